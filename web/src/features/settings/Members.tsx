import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, UserMinus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import type { Schema } from "../../api/types";
import { profile, type Role, useRights } from "../../data/session";
import { useFormat } from "../../lib/format";
import { errorDetails, get, messageOf, post, put, remove } from "../../lib/http";
import { useNarrow } from "../../lib/media";
import { Button, IconButton } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { Confirm, Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Textarea } from "../../ui/Input";
import { Avatar, Badge } from "../../ui/Marks";
import { Select } from "../../ui/Select";
import { Failed, SkeletonRows } from "../../ui/States";
import { splitAddresses } from "./addresses";
import { PageHead } from "./SettingsFrame";

type Member = Omit<Schema<"MemberView">, "role"> & { readonly role: Role };

const WIDE = { gridTemplateColumns: "minmax(220px, 1fr) 150px 190px 28px" };
/** On a phone: no time of the last visit. */
const NARROW = { gridTemplateColumns: "minmax(0, 1fr) 118px 44px" };
const GIVEN: readonly Role[] = ["admin", "editor", "normal"];

export function Members() {
  const { t } = useTranslation("settings");
  const { t: c } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const rights = useRights();
  const me = useQuery(profile).data;
  const narrow = useNarrow();
  const columns = narrow ? NARROW : WIDE;
  const list = useQuery({ queryKey: ["members"], queryFn: () => get<{ accounts: Member[] }>("/workspaces/current/members") });
  const [inviting, setInviting] = useState(false);
  const [removing, setRemoving] = useState<Member>();
  const again = () => client.invalidateQueries({ queryKey: ["members"] });
  const failed = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const setRole = useMutation({
    mutationFn: ({ id, role }: { id: string; role: string }) => put(`/workspaces/current/members/${id}/update-role`, { role }),
    onSuccess: again,
    onError: failed,
  });
  const drop = useMutation({ mutationFn: (member: Member) => remove(`/workspaces/current/members/${member.id}`), onSuccess: again, onError: failed });
  return (
    <>
      <PageHead title={t("members.title")} text={t("members.text")}>
        {rights.admin ? (
          <Button kind="primary" icon={Plus} onClick={() => setInviting(true)}>
            {t("members.invite")}
          </Button>
        ) : null}
      </PageHead>
      {list.isPending ? (
        <SkeletonRows rows={4} height={48} slow={c("common.slow")} label={c("common.loading")} />
      ) : list.error ? (
        <Failed
          title={t("members.failed")}
          text={messageOf(list.error)}
          retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
          details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
        />
      ) : (
        <div role="table" aria-label={t("members.title")}>
          <div role="row" className="th" style={columns}>
            <span role="columnheader">{t("members.col.name")}</span>
            {narrow ? null : <span role="columnheader">{t("members.col.active")}</span>}
            <span role="columnheader">{t("members.col.role")}</span>
            <span />
          </div>
          {list.data.accounts.map((member) => {
            const fixed = !rights.admin || member.role === "owner" || member.id === me?.id;
            return (
              <div key={member.id} role="row" className="td" style={{ ...columns, minHeight: 48 }}>
                <div role="cell" className="flex items-center gap-2.5 min-w-0">
                  <Avatar name={member.name || member.email} url={member.avatar_url} size={28} />
                  <div className="min-w-0">
                    <div className="font-medium flex items-center gap-1.5">
                      <span className="truncate">{member.name || member.email}</span>
                      {member.id === me?.id ? <span className="text-ink-3 font-regular">{t("members.you")}</span> : null}
                      {member.status === "pending" ? <Badge tone="warn">{t("members.pending")}</Badge> : null}
                    </div>
                    <div className="text-12 text-ink-3 truncate">{member.email}</div>
                  </div>
                </div>
                {narrow ? null : (
                  <span role="cell" className="text-ink-2">
                    {member.last_active_at && member.status !== "pending" ? format.ago(member.last_active_at) : t("members.never")}
                  </span>
                )}
                <span role="cell">
                  {fixed ? (
                    <span className="text-ink-2 px-2.5">{t(`roles.${member.role}`)}</span>
                  ) : (
                    <Select
                      aria-label={t("members.roleOf", { name: member.name })}
                      value={member.role}
                      onChange={(role) => setRole.mutate({ id: member.id, role })}
                      options={GIVEN.map((role) => ({ value: role, label: t(`roles.${role}`) }))}
                    />
                  )}
                </span>
                <span role="cell">
                  {fixed ? null : (
                    <IconButton
                      size="sm"
                      icon={UserMinus}
                      label={t("members.remove", { name: member.name || member.email })}
                      onClick={() => setRemoving(member)}
                    />
                  )}
                </span>
              </div>
            );
          })}
        </div>
      )}
      {inviting ? <Invite onClose={() => setInviting(false)} onDone={() => void again()} /> : null}
      <Confirm
        open={removing !== undefined}
        title={t("members.removeTitle", { name: removing?.name || removing?.email })}
        text={t("members.removeText")}
        confirm={t("members.remove", { name: removing?.name || removing?.email })}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setRemoving(undefined)}
        onConfirm={() => {
          if (!removing) return;
          drop.mutate(removing, {
            onSuccess: () => toast(t("members.removed", { name: removing.name || removing.email })),
            onSettled: () => setRemoving(undefined),
          });
        }}
      />
    </>
  );
}

/** Without a public address the server sends a path: it is reached where this page was. */
function absolute(url: string): string {
  return new URL(url, window.location.origin).href;
}

type Sent =
  | { readonly status: "success"; readonly email: string; readonly url: string }
  | { readonly status: "failed"; readonly email: string; readonly message: string };

function Invite({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const { t, i18n } = useTranslation("settings");
  const { t: c } = useTranslation();
  const [text, setText] = useState("");
  const [role, setRole] = useState("editor");
  const [wrong, setWrong] = useState<string>();
  const send = useMutation({
    mutationFn: (emails: string[]) =>
      post<{ invitation_results: Sent[] }>("/workspaces/current/members/invite-email", {
        emails,
        role,
        language: i18n.language === "zh-Hans" ? "zh-Hans" : "en-US",
      }),
    onSuccess: onDone,
  });
  const results = send.data?.invitation_results;
  const submit = () => {
    const { good, bad } = splitAddresses(text);
    if (bad[0] !== undefined) return setWrong(t("members.wrong", { text: bad[0] }));
    setWrong(undefined);
    if (good.length > 0) send.mutate(good);
  };
  return (
    <Dialog
      open
      title={t("members.inviteTitle")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        results ? (
          <Button kind="primary" onClick={onClose}>
            {t("members.done")}
          </Button>
        ) : (
          <>
            <Button onClick={onClose}>{c("common.cancel")}</Button>
            <Button kind="primary" busy={send.isPending} disabled={text.trim() === ""} onClick={submit}>
              {t("members.send")}
            </Button>
          </>
        )
      }
    >
      {results ? (
        <div className="flex flex-col gap-3">
          <p className="text-ink-2">{t("members.links")}</p>
          {results.map((result) =>
            result.status === "success" ? (
              <div key={result.email}>
                <div className="lbl mb-1">{result.email}</div>
                <div className="inp mono text-12">
                  <span className="truncate flex-1">{absolute(result.url)}</span>
                  <CopyButton text={absolute(result.url)} label={t("members.copyLink", { email: result.email })} done={c("common.copied")} />
                </div>
              </div>
            ) : (
              <div key={result.email} className="wrong">
                {t("members.failedFor", { email: result.email, message: result.message })}
              </div>
            ),
          )}
        </div>
      ) : (
        <div className="flex flex-col gap-4">
          <Field label={t("members.emails")} hint={t("members.emailsHint")} error={wrong}>
            <Textarea rows={3} value={text} onChange={(event) => setText(event.target.value)} />
          </Field>
          <Field label={t("members.role")} hint={t(`rolesText.${role}`)}>
            <Select value={role} onChange={setRole} options={GIVEN.map((key) => ({ value: key, label: t(`roles.${key}`) }))} />
          </Field>
          {send.error ? (
            <div className="wrong" role="alert">
              {messageOf(send.error)}
            </div>
          ) : null}
        </div>
      )}
    </Dialog>
  );
}
