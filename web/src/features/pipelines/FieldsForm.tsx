/** What a pipeline asks of the person who adds documents. */
import { X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { PipelineField } from "../../data/pipelines";
import { messageOf, upload } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { Select } from "../../ui/Select";
import { Switch } from "../../ui/Switch";
import { currentValue, fileValue, problemOf, type Values } from "./fields";

interface Props {
  readonly fields: readonly PipelineField[];
  readonly values: Values;
  /** Somebody tried to go on: what is wrong is said. */
  readonly tried: boolean;
  readonly onChange: (values: Values) => void;
}

export function FieldsForm({ fields, values, tried, onChange }: Props) {
  const { t } = useTranslation("pipelines");
  return (
    <div className="flex flex-col gap-4">
      {fields.map((field) => {
        const value = currentValue(field, values);
        const problem = tried ? problemOf(field, value) : undefined;
        const error = problem ? t(`fields.${problem.code}`, { count: problem.count ?? 0 }) : undefined;
        return <OneField key={field.variable} field={field} value={value} error={error} onChange={(next) => onChange({ ...values, [field.variable]: next })} />;
      })}
    </div>
  );
}

interface FieldProps {
  readonly field: PipelineField;
  readonly value: unknown;
  readonly error: string | undefined;
  readonly onChange: (value: unknown) => void;
}

function OneField({ field, value, error, onChange }: FieldProps) {
  const { t } = useTranslation("pipelines");
  const { t: c } = useTranslation();
  const label = field.label || field.variable;
  const text = value === undefined || value === null ? "" : String(value);
  const placeholder = field.placeholder ?? "";
  if (field.type === "checkbox") {
    return (
      <div className="flex items-center gap-2.5">
        <Switch label={label} checked={value === true} onChange={onChange} />
        <span aria-hidden>{label}</span>
        {field.tooltips ? <span className="hint">{field.tooltips}</span> : null}
      </div>
    );
  }
  if (field.type === "file" || field.type === "file-list") return <FileField field={field} value={value} error={error} onChange={onChange} />;
  return (
    <Field label={label} error={error} hint={field.tooltips || undefined} {...(field.required ? {} : { optional: c("common.optional") })}>
      {field.type === "select" ? (
        <Select
          value={text}
          onChange={onChange}
          placeholder={placeholder || t("fields.choose")}
          options={(field.options ?? []).filter(Boolean).map((option) => ({ value: option, label: option }))}
        />
      ) : field.type === "paragraph" ? (
        <Textarea rows={4} value={text} placeholder={placeholder} onChange={(event) => onChange(event.target.value)} />
      ) : field.type === "number" ? (
        <Input
          type="number"
          step="any"
          value={text}
          placeholder={placeholder}
          end={field.unit ? <span className="text-12 text-ink-3">{field.unit}</span> : undefined}
          onChange={(event) => onChange(event.target.value === "" ? null : Number(event.target.value))}
        />
      ) : (
        <Input value={text} placeholder={placeholder} onChange={(event) => onChange(event.target.value)} />
      )}
    </Field>
  );
}

interface Uploaded {
  readonly id: string;
  readonly name: string;
  readonly mime_type?: string | null;
}

function sendFile(file: File): Promise<Uploaded> {
  const form = new FormData();
  form.append("file", file);
  return upload<Uploaded>("/files/upload", form, () => undefined, new AbortController().signal);
}

function FileField({ field, value, error, onChange }: FieldProps) {
  const { t } = useTranslation("pipelines");
  const { t: c } = useTranslation();
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string>();
  const many = field.type === "file-list";
  const files: readonly unknown[] = Array.isArray(value) ? value : value ? [value] : [];
  const put = (next: readonly unknown[]) => onChange(many ? next : (next[0] ?? null));
  const add = async (list: readonly File[]) => {
    setBusy(true);
    setFailed(undefined);
    try {
      const sent = (await Promise.all((many ? list : list.slice(0, 1)).map(sendFile))).map(fileValue);
      put(many ? [...files, ...sent] : sent);
    } catch (problem) {
      setFailed(messageOf(problem));
    }
    setBusy(false);
  };
  const label = field.label || field.variable;
  const nameOf = (file: unknown) => (typeof file === "object" && file !== null ? String(Reflect.get(file, "name") ?? "") : "");
  const said = field.tooltips || undefined;
  return (
    <div className="flex flex-col gap-1.5">
      <Field label={label} error={failed ?? error} hint={busy ? t("fields.uploading") : said} {...(field.required ? {} : { optional: c("common.optional") })}>
        <input
          type="file"
          className="text-12"
          multiple={many}
          disabled={busy}
          onChange={(event) => {
            void add([...(event.target.files ?? [])]);
            event.target.value = "";
          }}
        />
      </Field>
      {files.map((file, index) => (
        <div key={`${nameOf(file)}${String(index)}`} className="flex items-center gap-2">
          <span className="flex-1 truncate">{nameOf(file)}</span>
          <Button
            size="sm"
            kind="quiet"
            icon={X}
            aria-label={t("fields.remove", { name: nameOf(file) })}
            onClick={() => put(files.filter((_, at) => at !== index))}
          />
        </div>
      ))}
    </div>
  );
}
