/** An MCP server of the workspace: where it is, what it is called, how it lets one in. */
import { CircleAlert, Plus, Trash2, TriangleAlert } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { addMcpServer, changeMcpServer, type ToolProvider, useToolChange } from "../../data/tools";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, SecretInput } from "../../ui/Input";
import { Segmented } from "../../ui/Segmented";
import { Switch } from "../../ui/Switch";
import { McpPlace } from "./McpPlace";
import { isProgram, mcpDraft, mcpFields, mcpProblems, suggestedId } from "./model";
import { IconPick } from "./parts";

type Part = "auth" | "headers" | "limits";

interface Props {
  readonly provider?: ToolProvider;
  readonly onClose: () => void;
  readonly onSaved: (provider: ToolProvider | undefined) => void;
}

export function McpDialog({ provider, onClose, onSaved }: Props) {
  const { t, i18n } = useTranslation("tools");
  const { t: c } = useTranslation();
  const form = useId();
  const [draft, setDraft] = useState(() => mcpDraft(provider, i18n.language));
  const [named, setNamed] = useState(provider !== undefined);
  const [checked, setChecked] = useState(false);
  const [part, setPart] = useState<Part>("auth");
  // A program needs no sign-in, and its variables stand beside it.
  const shown = isProgram(draft.url) ? "limits" : part;
  const put = (change: Partial<typeof draft>) => setDraft((now) => ({ ...now, ...change }));
  const problems = mcpProblems(draft, provider);
  const wrong = (key: keyof typeof problems) => (checked && problems[key] ? t(problems[key]) : undefined);
  const save = useToolChange(async () => {
    const fields = mcpFields(draft);
    if (!provider) return addMcpServer(fields);
    await changeMcpServer(provider.id, fields);
    return undefined;
  });
  const send = () => {
    setChecked(true);
    const [first] = Object.keys(problems);
    if (first) {
      if (first === "clientId") setPart("auth");
      else if (first === "timeout" || first === "readTimeout") setPart("limits");
      return;
    }
    save.mutate(undefined, {
      onSuccess: (saved) => {
        toast(t("mcp.saved", { name: draft.name.trim() }));
        onSaved(saved);
      },
    });
  };
  return (
    <Dialog
      open
      title={provider ? t("mcp.edit", { name: draft.name }) : t("mcp.new")}
      about={t("mcp.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form} busy={save.isPending}>
            {t(provider ? "mcp.save" : "mcp.connect")}
          </Button>
        </>
      }
    >
      <form
        id={form}
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <McpPlace url={draft.url} headers={draft.headers} error={wrong("url")} onChange={put} />
        <div className="flex items-end gap-3">
          <IconPick value={draft.icon} onChange={(icon) => put({ icon })} />
          <div className="flex-1 min-w-0">
            <Field label={t("form.name")} error={wrong("name")}>
              <Input
                maxLength={40}
                value={draft.name}
                onChange={(event) => put({ name: event.target.value, ...(named ? {} : { identifier: suggestedId(event.target.value) }) })}
              />
            </Field>
          </div>
        </div>
        <Field label={t("mcp.id")} error={wrong("identifier")} hint={t("mcp.idHint")}>
          <Input
            className="mono"
            maxLength={64}
            spellCheck={false}
            value={draft.identifier}
            onChange={(event) => {
              setNamed(true);
              put({ identifier: event.target.value });
            }}
          />
        </Field>
        {provider?.server_identifier && draft.identifier !== provider.server_identifier ? (
          <div className="banner" data-tone="warn">
            <TriangleAlert size={16} aria-hidden />
            {t("mcp.idChanged")}
          </div>
        ) : null}
        {provider && !isProgram(draft.url) && draft.url !== provider.server_url ? <p className="hint">{t("mcp.urlChanged")}</p> : null}
        {isProgram(draft.url) ? null : (
          <div className="flex max-w-full">
            <Segmented
              label={t("mcp.parts")}
              value={part}
              onChange={setPart}
              segments={(["auth", "headers", "limits"] as const).map((value) => ({ value, label: t(`mcp.part.${value}`) }))}
            />
          </div>
        )}
        {shown === "auth" ? (
          <>
            <div className="flex items-center gap-3">
              <div className="flex-1 min-w-0">
                <div className="lbl">{t("mcp.own.switch")}</div>
                <div className="hint">{t("mcp.own.switchHint")}</div>
              </div>
              <Switch checked={draft.personal} label={t("mcp.own.switch")} onChange={(personal) => put({ personal })} />
            </div>
            {provider?.personal && !draft.personal ? (
              <div className="banner" data-tone="warn">
                <TriangleAlert size={16} aria-hidden />
                {t("mcp.own.switchOff")}
              </div>
            ) : null}
            <div className="flex max-w-full">
              <Segmented
                label={t("mcp.part.auth")}
                value={draft.ownClient ? "own" : "dynamic"}
                onChange={(value) => put({ ownClient: value === "own" })}
                segments={[
                  { value: "dynamic", label: t("mcp.dynamic") },
                  { value: "own", label: t("mcp.ownClient") },
                ]}
              />
            </div>
            <p className="hint">{t(draft.ownClient ? "mcp.ownClientHint" : "mcp.dynamicHint")}</p>
            {draft.ownClient ? (
              <>
                <Field label={t("mcp.clientId")} error={wrong("clientId")}>
                  <Input className="mono" spellCheck={false} value={draft.clientId} onChange={(event) => put({ clientId: event.target.value })} />
                </Field>
                <Field label={t("mcp.clientSecret")} optional={c("common.optional")}>
                  <SecretInput
                    className="mono"
                    autoComplete="off"
                    value={draft.clientSecret}
                    showLabel={t("form.show")}
                    hideLabel={t("form.hide")}
                    onChange={(event) => put({ clientSecret: event.target.value })}
                  />
                </Field>
                <Field label={t("mcp.redirect")} hint={t("mcp.redirectHint")}>
                  <Input className="mono" readOnly value={`${window.location.origin}/console/api/mcp/oauth/callback`} />
                </Field>
              </>
            ) : null}
          </>
        ) : shown === "headers" ? (
          <Headers value={draft.headers} onChange={(headers) => put({ headers })} />
        ) : (
          <div className="grid gap-3" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(180px, 100%), 1fr))" }}>
            <Field label={t("mcp.timeout")} error={wrong("timeout")}>
              <Input inputMode="numeric" value={draft.timeout} onChange={(event) => put({ timeout: event.target.value })} />
            </Field>
            <Field label={t("mcp.readTimeout")} error={wrong("readTimeout")}>
              <Input inputMode="numeric" value={draft.readTimeout} onChange={(event) => put({ readTimeout: event.target.value })} />
            </Field>
          </div>
        )}
        {save.error ? (
          <p className="wrong" role="alert">
            <CircleAlert size={14} aria-hidden />
            <span className="wrap-anywhere">{messageOf(save.error)}</span>
          </p>
        ) : null}
      </form>
    </Dialog>
  );
}

type Header = ReturnType<typeof mcpDraft>["headers"][number];

function Headers({ value, onChange }: { value: readonly Header[]; onChange: (headers: readonly Header[]) => void }) {
  const { t } = useTranslation("tools");
  const put = (key: string, part: Partial<Header>) => onChange(value.map((each) => (each.key === key ? { ...each, ...part } : each)));
  return (
    <div className="flex flex-col gap-2">
      <p className="hint">{t("mcp.headersHint")}</p>
      {value.map((header, i) => (
        <div key={header.key} className="flex items-center gap-2">
          <Input
            className="mono"
            aria-label={t("mcp.headerName", { number: i + 1 })}
            placeholder={t("auth.header")}
            value={header.name}
            onChange={(event) => put(header.key, { name: event.target.value })}
          />
          <Input
            className="mono"
            aria-label={t("mcp.headerValue", { number: i + 1 })}
            placeholder={t("auth.value")}
            value={header.value}
            onChange={(event) => put(header.key, { value: event.target.value })}
          />
          <IconButton
            icon={Trash2}
            label={t("mcp.headerRemove", { number: i + 1 })}
            onClick={() => onChange(value.filter((each) => each.key !== header.key))}
          />
        </div>
      ))}
      <Button size="sm" icon={Plus} className="self-start" onClick={() => onChange([...value, { key: `new-${String(Date.now())}`, name: "", value: "" }])}>
        {t("mcp.headerAdd")}
      </Button>
    </div>
  );
}
