/** The input form of an app, from the fields of its start node. */
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { acceptedKind, acceptOf, fieldRules, limitsFrom, problemOf } from "../../lib/files";
import { get } from "../../lib/http";
import type { Json } from "../../lib/read";
import { uploadFile } from "../api";
import type { StartField } from "../nodes/start";
import { Button, Field, NumberField, SelectField, SwitchRow, TextField } from "../parts/controls";

export type Values = Readonly<Record<string, unknown>>;

/** What the fields hold before anybody types. */
export function firstValues(fields: readonly StartField[]): Values {
  return Object.fromEntries(
    fields.flatMap((f) => {
      if (f.default !== undefined && f.default !== null && f.default !== "") return [[f.variable, f.default]];
      return f.type === "checkbox" ? [[f.variable, false]] : [];
    }),
  );
}

/** What is wrong with a value, as a key under `form`. */
export function fieldError(field: StartField, value: unknown): { code: string; values?: Record<string, unknown> } | undefined {
  const empty = value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
  if (empty) return field.required && !field.hide ? { code: "required" } : undefined;
  if (typeof value === "string" && field.max_length && ["text-input", "paragraph"].includes(field.type) && value.length > field.max_length) {
    return { code: "tooLong", values: { count: field.max_length } };
  }
  if (field.type === "json_object" && typeof value === "string") {
    try {
      const parsed: unknown = JSON.parse(value);
      if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return { code: "notObject" };
    } catch {
      return { code: "notJson" };
    }
  }
  return undefined;
}

/** The values as the API takes them: JSON text becomes an object, empty optional fields are left out. */
export function toInputs(fields: readonly StartField[], values: Values): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const field of fields) {
    const value = values[field.variable];
    if (value === undefined || value === null || (value === "" && !field.required)) continue;
    out[field.variable] = field.type === "json_object" && typeof value === "string" ? JSON.parse(value) : value;
  }
  return out;
}

interface Props {
  readonly fields: readonly StartField[];
  readonly values: Values;
  readonly tried: boolean;
  readonly onChange: (values: Values) => void;
}

export function InputForm({ fields, values, tried, onChange }: Props) {
  const { t } = useTranslation("studio");
  return (
    <>
      {fields
        .filter((f) => !f.hide)
        .map((field) => {
          const problem = fieldError(field, values[field.variable]);
          const error = tried && problem ? t(`form.${problem.code}`, problem.values) : undefined;
          return <InputField key={field.variable} field={field} value={values[field.variable]} error={error} onChange={(value) => onChange({ ...values, [field.variable]: value })} />;
        })}
    </>
  );
}

interface FieldProps {
  readonly field: StartField;
  readonly value: unknown;
  readonly error: string | undefined;
  readonly onChange: (value: unknown) => void;
}

export function InputField({ field, value, error, onChange }: FieldProps) {
  const { t } = useTranslation("studio");
  const label = field.label || field.variable;
  const optional = field.required ? undefined : t("common.optional");
  const text = value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value, null, 2);
  switch (field.type) {
    case "number":
      return <NumberField label={label} optional={optional} error={error} step="any" value={typeof value === "number" ? value : undefined} onChange={onChange} />;
    case "checkbox":
      return <SwitchRow label={label} checked={value === true || value === "true"} onChange={onChange} />;
    case "select":
      return <SelectField label={label} optional={optional} error={error} value={text} placeholder={t("form.choose")} options={field.options.filter(Boolean).map((o) => ({ value: o, label: o }))} onChange={onChange} />;
    case "file":
    case "file-list":
      return <FileField field={field} value={value} error={error} onChange={onChange} />;
    case "json_object":
      return <TextField label={label} optional={optional} error={error} mono rows={5} value={text} placeholder="{ }" onChange={onChange} />;
    default:
      return <TextField label={label} optional={optional} error={error} rows={field.type === "paragraph" ? 4 : undefined} value={text} onChange={onChange} />;
  }
}

function FileField({ field, value, error, onChange }: FieldProps) {
  const { t } = useTranslation("studio");
  const { t: w } = useTranslation("webapp");
  const id = useId();
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string>();
  const [url, setUrl] = useState("");
  const system = useQuery({ queryKey: ["files", "limits"], queryFn: () => get<Json>("/files/upload"), staleTime: 300_000 });
  const many = field.type === "file-list";
  const rules = fieldRules(many ? "file-list" : "file", { ...field });
  const files: readonly unknown[] = Array.isArray(value) ? value : value ? [value] : [];
  const names = files.map((f) => (typeof f === "object" && f !== null ? String(Reflect.get(f, "name") ?? Reflect.get(f, "url") ?? "") : ""));
  const put = (next: readonly unknown[]) => onChange(many ? next : next[0]);
  const upload = async (list: FileList | null) => {
    const problems: string[] = [];
    // Another file takes the place of the one that is there.
    let already = many ? files.length : 0;
    const taken = [...(list ?? [])].filter((file) => {
      const wrong = problemOf(rules, limitsFrom({ system_parameters: system.data ?? {} }), file, already);
      if (wrong) problems.push(w(wrong.key, wrong.values));
      else already++;
      return !wrong;
    });
    setBusy(true);
    setFailed(undefined);
    const done = await Promise.allSettled(taken.map((file) => uploadFile(file)));
    const items = done.flatMap((result, i) => {
      const file = taken[i];
      if (!file) return [];
      if (result.status === "rejected") {
        problems.push(`${file.name}: ${result.reason instanceof Error ? result.reason.message : String(result.reason)}`);
        return [];
      }
      const type = acceptedKind(rules, file.name, file.type) ?? "document";
      return [{ type, transfer_method: "local_file", upload_file_id: result.value.id, name: result.value.name ?? file.name }];
    });
    if (items.length > 0) put(many ? [...files, ...items] : items);
    setFailed(problems.length > 0 ? problems.join(" ") : undefined);
    setBusy(false);
  };
  const addUrl = () => {
    if (many && files.length >= rules.most) return setFailed(w("files.tooMany", { count: rules.most }));
    const name = new URL(url).pathname.split("/").filter(Boolean).at(-1) ?? url;
    const type = acceptedKind(rules, name) ?? rules.kinds[0] ?? "document";
    setFailed(undefined);
    put([...(many ? files : []), { type, transfer_method: "remote_url", url, name: url }]);
    setUrl("");
  };
  return (
    <Field label={field.label || field.variable} optional={field.required ? undefined : t("common.optional")} error={error ?? failed}>
      {({ id: inputId }) => (
        <>
          {names.map((name, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the same file may be there twice
            <div className="st-between" key={i}>
              <span className="st-clip">{name}</span>
              <Button size="sm" look="quiet" onClick={() => put(files.filter((_, j) => j !== i))}>
                {t("common.remove")}
              </Button>
            </div>
          ))}
          {rules.local ? (
            <input id={inputId} type="file" multiple={many} accept={acceptOf(rules)} disabled={busy} className="st-file" onChange={(e) => void upload(e.target.files)} />
          ) : null}
          {rules.remote ? (
            <div className="st-row">
              <input id={rules.local ? id : inputId} className="st-input" type="url" aria-label={t("form.fileUrl")} placeholder="https://" value={url} onChange={(e) => setUrl(e.target.value)} />
              <Button size="sm" disabled={!/^https?:\/\/./.test(url) || !URL.canParse(url)} onClick={addUrl}>
                {t("common.add")}
              </Button>
            </div>
          ) : null}
          {busy ? <Busy /> : null}
        </>
      )}
    </Field>
  );
}

function Busy() {
  const { t } = useTranslation("studio");
  return <span className="st-hint">{t("form.uploading")}</span>;
}
