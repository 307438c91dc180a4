/** The mail that brings a form to people: to whom, subject, text with the link. */
import { useQuery } from "@tanstack/react-query";
import { Plus, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { listMembers } from "../api";
import { PromptEditor } from "../editors/PromptEditor";
import type { VariableGroup } from "../model/variables";
import type { MailConfig, Recipient } from "../nodes/human-input";
import { Button, IconButton, SwitchRow, TextField, Wrong } from "../parts/controls";
import { Dialog } from "../parts/Dialog";

interface Props {
  readonly node: string;
  readonly config: MailConfig;
  readonly onClose: () => void;
  readonly onSave: (config: MailConfig) => void;
}

const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

function memberId(recipient: Recipient): string {
  return recipient.reference_id ?? recipient.user_id ?? "";
}

export function MailDialog({ node, config, onClose, onSave }: Props) {
  const { t } = useTranslation("studio");
  const [draft, setDraft] = useState(config);
  const members = useQuery({ queryKey: ["members"], queryFn: listMembers, staleTime: 60_000 });
  const { recipients } = draft;
  const everybody = recipients.whole_workspace || recipients.include_bound_group;
  const people = (patch: Partial<MailConfig["recipients"]>) => setDraft({ ...draft, recipients: { ...recipients, ...patch } });
  const link = useMemo((): VariableGroup[] => [{ scope: "node", id: "url", title: t("human.mail.link"), kind: "human-input", variables: [{ selector: ["url"], type: "string" }] }], [t]);
  const toggle = (id: string) => {
    const there = recipients.items.some((r) => r.type === "member" && memberId(r) === id);
    people({ items: there ? recipients.items.filter((r) => !(r.type === "member" && memberId(r) === id)) : [...recipients.items, { type: "member", user_id: id, reference_id: id }] });
  };
  return (
    <Dialog
      wide
      title={t("human.mail.title")}
      closeLabel={t("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button look="primary" onClick={() => onSave(draft)}>
            {t("common.save")}
          </Button>
        </>
      }
    >
      <SwitchRow label={t("human.mail.everybody")} checked={everybody} onChange={(on) => people({ whole_workspace: on, include_bound_group: on })} />
      {everybody ? null : (
        <fieldset className="st-checks" aria-label={t("human.mail.members")}>
          <legend className="st-label">{t("human.mail.members")}</legend>
          {(members.data ?? []).map((m) => (
            <label key={m.id} className="st-row">
              <input type="checkbox" checked={recipients.items.some((r) => r.type === "member" && memberId(r) === m.id)} onChange={() => toggle(m.id)} />
              {m.name || m.email}
            </label>
          ))}
          {members.error ? <Wrong>{members.error.message}</Wrong> : null}
        </fieldset>
      )}
      <Others recipients={recipients.items} onChange={(items) => people({ items })} />
      <div className="st-field">
        <span className="st-label">{t("human.mail.subject")}</span>
        <div className="st-box">
          <PromptEditor single node={node} label={t("human.mail.subject")} value={draft.subject} onChange={(subject) => setDraft((now) => ({ ...now, subject }))} />
        </div>
      </div>
      <div className="st-box">
        <div className="st-box-head">
          <span>{t("human.mail.body")}</span>
        </div>
        <PromptEditor node={node} label={t("human.mail.body")} extra={link} value={draft.body} onChange={(body) => setDraft((now) => ({ ...now, body }))} />
      </div>
      <span className="st-hint">{t("human.mail.bodyHint")}</span>
      {draft.body.includes("{{#url#}}") ? null : <Wrong>{t("problems.noMailLink")}</Wrong>}
      <SwitchRow label={t("human.mail.debug")} note={t("human.mail.debugNote")} checked={draft.debug_mode} onChange={(debug_mode) => setDraft({ ...draft, debug_mode })} />
    </Dialog>
  );
}

function Others({ recipients, onChange }: { recipients: readonly Recipient[]; onChange: (items: Recipient[]) => void }) {
  const { t } = useTranslation("studio");
  const [typed, setTyped] = useState("");
  const others = recipients.filter((r) => r.type !== "member");
  const add = () => {
    const wanted = typed.split(/[\s,;]+/).filter((a) => ADDRESS.test(a) && !others.some((o) => o.email === a));
    if (wanted.length === 0) return;
    onChange([...recipients, ...wanted.map((email) => ({ type: "external", email }))]);
    setTyped("");
  };
  return (
    <div className="st-field">
      <span className="st-label">{t("human.mail.others")}</span>
      {others.map((other) => (
        <div className="st-between" key={other.email}>
          <span className="st-clip st-mono">{other.email}</span>
          <IconButton label={t("inputs.remove", { name: other.email ?? "" })} icon={Trash2} onClick={() => onChange(recipients.filter((r) => r !== other))} />
        </div>
      ))}
      <div className="st-row">
        <div className="st-grow">
          <TextField label={t("human.mail.address")} hideLabel type="email" placeholder="name@example.com" value={typed} onChange={setTyped} />
        </div>
        <Button icon={Plus} disabled={!ADDRESS.test(typed.trim())} onClick={add}>
          {t("common.add")}
        </Button>
      </div>
    </div>
  );
}
