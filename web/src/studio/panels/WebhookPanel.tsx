/** A webhook: its addresses, what a request must look like, what it is answered. */
import { useQuery } from "@tanstack/react-query";
import { Plus, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { webhookAddress } from "../api";
import { replaced, without } from "../model/rows";
import type { PanelProps } from "../nodes/kind";
import { CONTENT_TYPES, headerName, WEBHOOK_METHODS, WEBHOOK_TYPES, type WebhookData, type WebhookRow } from "../nodes/trigger-webhook";
import { freeName } from "../nodes/schema";
import { CopyButton } from "../parts/CopyButton";
import { Button, IconButton, NumberField, SelectField, TextField, Wrong } from "../parts/controls";
import { renameVariable, settingsChanges } from "../store/actions";
import { flush } from "../store/autosave";
import { useStudio } from "../store/studio";

export function WebhookPanel({ id, data, update }: PanelProps<WebhookData>) {
  const { t } = useTranslation("studio");
  const binary = data.content_type === "application/octet-stream" || data.content_type === "text/plain";
  const form = data.content_type === "multipart/form-data";
  const types = form ? [...WEBHOOK_TYPES, "file"] : data.content_type === "application/octet-stream" ? ["file"] : data.content_type === "application/json" ? WEBHOOK_TYPES : ["string", "number", "boolean"];
  return (
    <>
      <Addresses id={id} />
      <section className="st-section">
        <div className="st-row st-top">
          <div className="st-method">
            <SelectField label={t("http.method")} value={data.method} options={WEBHOOK_METHODS.map((m) => ({ value: m, label: m }))} onChange={(method) => update({ method })} />
          </div>
          <div className="st-grow">
            <SelectField label={t("webhook.contentType")} value={data.content_type} options={CONTENT_TYPES.map((c) => ({ value: c, label: c }))} onChange={(content_type) => update({ content_type })} />
          </div>
        </div>
      </section>
      <Rows id={id} name="params" title={t("webhook.params")} rows={data.params} types={["string", "number", "boolean"]} />
      <Rows id={id} name="headers" title={t("webhook.headers")} rows={data.headers} />
      <Rows id={id} name="body" title={t("webhook.body")} hint={binary ? t("webhook.wholeBody") : undefined} rows={data.body} types={types} />
      <section className="st-section" aria-label={t("webhook.answer")}>
        <span className="st-label">{t("webhook.answer")}</span>
        <NumberField label={t("webhook.status")} min={200} max={399} value={data.status_code} onChange={(v) => update({ status_code: Math.round(v ?? 200) })} />
        <TextField label={t("webhook.answerBody")} optional={t("common.optional")} hint={t("webhook.answerHint")} mono rows={3} value={data.response_body} onChange={(response_body) => update({ response_body })} />
      </section>
    </>
  );
}

/** Addresses that only this machine or its network can reach. */
const PRIVATE = /^https?:\/\/(localhost|127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|\[::1\])/;

function Addresses({ id }: { id: string }) {
  const { t } = useTranslation("studio");
  const owner = useStudio((s) => s.owner);
  const address = useQuery({
    queryKey: ["webhook", owner, id],
    retry: false,
    staleTime: 60_000,
    queryFn: async () => {
      await flush();
      return webhookAddress(owner, id);
    },
  });
  if (address.error) return <section className="st-section"><Wrong>{address.error.message}</Wrong></section>;
  const rows = address.data ? [{ key: "live", url: address.data.webhook_url }, { key: "test", url: address.data.webhook_debug_url }] : [];
  return (
    <section className="st-section" aria-label={t("webhook.address")}>
      {rows.length === 0 ? <span className="st-hint">{t("common.loading")}</span> : null}
      {rows.map((row) => (
        <div className="st-field" key={row.key}>
          <span className="st-label">{t(`webhook.addresses.${row.key}`)}</span>
          <div className="st-row">
            <input className="st-input mono" readOnly aria-label={t(`webhook.addresses.${row.key}`)} value={row.url} onFocus={(e) => e.target.select()} />
            <CopyButton text={row.url} name={t(`webhook.addresses.${row.key}`)} />
          </div>
          <span className="st-hint">{t(`webhook.addressHints.${row.key}`)}</span>
        </div>
      ))}
      {rows.some((r) => PRIVATE.test(r.url)) ? <span className="st-note-banner">{t("webhook.private")}</span> : null}
    </section>
  );
}

interface RowsProps {
  readonly id: string;
  readonly name: "params" | "headers" | "body";
  readonly title: string;
  readonly hint?: string;
  readonly rows: readonly WebhookRow[];
  /** Absent: always text. */
  readonly types?: readonly string[];
}

function Rows({ id, name, title, hint, rows, types }: RowsProps) {
  const { t } = useTranslation("studio");
  const write = (next: readonly WebhookRow[]) => settingsChanges(id, { [name]: [...next] });
  const save = (next: readonly WebhookRow[]) => renameVariable(id, "", "", write(next));
  const rename = (index: number, before: string, after: string) => renameVariable(id, headerName(before), headerName(after), write(replaced(rows, index, { name: after })));
  return (
    <section className="st-section" aria-label={title}>
      <div className="st-between">
        <span className="st-label">{title}</span>
        <Button look="quiet" size="sm" icon={Plus} onClick={() => save([...rows, { name: freeName(rows.map((r) => r.name), name === "headers" ? "X-Name" : "name"), required: false, ...(types ? { type: types[0] ?? "string" } : {}) }])}>
          {t("common.add")}
        </Button>
      </div>
      {hint && rows.length > 0 ? <span className="st-hint">{hint}</span> : null}
      {rows.map((row, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the name is what is being edited
        <div className="st-case" key={i}>
          <div className="st-row">
            <div className="st-grow">
              <TextField label={t("webhook.rowName", { title, number: i + 1 })} hideLabel mono value={row.name} onChange={(next) => rename(i, row.name, next)} />
            </div>
            {types ? <SelectField label={t("code.outputType", { name: row.name })} hideLabel value={row.type ?? "string"} options={types.map((type) => ({ value: type, label: t(`types.${type}`) }))} onChange={(type) => save(replaced(rows, i, { type }))} /> : null}
            <IconButton label={t("inputs.remove", { name: row.name })} icon={Trash2} onClick={() => save(without(rows, i))} />
          </div>
          <label className="st-row st-meta">
            <input type="checkbox" checked={row.required} onChange={() => save(replaced(rows, i, { required: !row.required }))} />
            {t("field.required")}
          </label>
        </div>
      ))}
    </section>
  );
}
