/** One input field: type, name, label, limits. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { FILE_TYPES, TRANSFER_METHODS } from "../model/conditions";
import { FIELD_TYPES, fieldProblem, type StartField } from "../nodes/start";
import { Button, NumberField, SelectField, SwitchRow, TextField } from "../parts/controls";
import { Dialog } from "../parts/Dialog";

interface Props {
  readonly field: StartField;
  readonly others: readonly StartField[];
  readonly onClose: () => void;
  readonly onSave: (field: StartField) => void;
}

const TEXT = new Set(["text-input", "paragraph"]);
const DEFAULT_LENGTH: Readonly<Record<string, number>> = { "text-input": 48, paragraph: 8000, "file-list": 5 };

function jsonSchemaError(field: StartField): boolean {
  if (field.type !== "json_object" || typeof field.json_schema !== "string" || !field.json_schema.trim()) return false;
  try {
    return typeof JSON.parse(field.json_schema) !== "object";
  } catch {
    return true;
  }
}

export function FieldDialog({ field, others, onClose, onSave }: Props) {
  const { t } = useTranslation("studio");
  const [draft, setDraft] = useState(field);
  const [tried, setTried] = useState(false);
  const put = (patch: Partial<StartField>) => setDraft((now) => ({ ...now, ...patch }));
  const problem = fieldProblem(draft, [...others, draft]);
  const badSchema = jsonSchemaError(draft);
  const save = () => {
    setTried(true);
    if (!problem && !badSchema) onSave({ ...draft, label: draft.label || draft.variable });
  };
  const message = tried && problem ? t(`problems.${problem.code}`, problem.values) : undefined;
  return (
    <Dialog
      title={field.label || field.variable}
      closeLabel={t("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button look="primary" onClick={save}>
            {t("common.save")}
          </Button>
        </>
      }
    >
      <SelectField
        label={t("field.type")}
        value={draft.type}
        options={FIELD_TYPES.map((type) => ({ value: type, label: t(`fieldTypes.${type}`) }))}
        onChange={(type) => put({ type, max_length: DEFAULT_LENGTH[type], default: undefined })}
      />
      <TextField label={t("field.name")} mono value={draft.variable} hint={t("field.nameHint")} error={problem?.code === "noOptions" ? undefined : message} onChange={(variable) => put({ variable })} />
      <TextField label={t("field.label")} value={draft.label} placeholder={draft.variable} onChange={(label) => put({ label })} />
      <FieldLimits draft={draft} put={put} optionsError={problem?.code === "noOptions" ? message : undefined} schemaError={tried && badSchema ? t("field.badSchema") : undefined} />
      <SwitchRow label={t("field.required")} checked={draft.required} onChange={(required) => put({ required })} />
      <SwitchRow label={t("field.hide")} note={t("field.hideNote")} checked={draft.hide} onChange={(hide) => put({ hide })} />
    </Dialog>
  );
}

interface LimitsProps {
  readonly draft: StartField;
  readonly put: (patch: Partial<StartField>) => void;
  readonly optionsError: string | undefined;
  readonly schemaError: string | undefined;
}

export function FieldLimits({ draft, put, optionsError, schemaError }: LimitsProps) {
  const { t } = useTranslation("studio");
  const text = TEXT.has(draft.type);
  const files = draft.type === "file" || draft.type === "file-list";
  const asText = draft.default === undefined || draft.default === null ? "" : String(draft.default);
  return (
    <>
      {text || draft.type === "file-list" ? (
        <NumberField
          label={t(text ? "field.maxLength" : "field.maxFiles")}
          min={1}
          max={text ? 100_000 : 10}
          value={draft.max_length ?? undefined}
          onChange={(max_length) => put({ max_length })}
        />
      ) : null}
      {draft.type === "select" ? (
        <TextField label={t("field.options")} hint={t("field.optionsHint")} error={optionsError} rows={4} value={draft.options.join("\n")} onChange={(value) => put({ options: value.split("\n").filter((o, i, all) => o !== "" || i === all.length - 1) })} />
      ) : null}
      {text ? <TextField label={t("field.default")} optional={t("common.optional")} rows={draft.type === "paragraph" ? 3 : undefined} value={asText} onChange={(value) => put({ default: value || undefined })} /> : null}
      {draft.type === "number" ? <NumberField label={t("field.default")} optional={t("common.optional")} step="any" value={typeof draft.default === "number" ? draft.default : undefined} onChange={(value) => put({ default: value })} /> : null}
      {draft.type === "select" ? (
        <SelectField label={t("field.default")} optional={t("common.optional")} value={asText} options={[{ value: "", label: t("field.noDefault") }, ...draft.options.filter(Boolean).map((o) => ({ value: o, label: o }))]} onChange={(value) => put({ default: value || undefined })} />
      ) : null}
      {draft.type === "checkbox" ? <SwitchRow label={t("field.defaultOn")} checked={draft.default === true || draft.default === "true"} onChange={(value) => put({ default: value })} /> : null}
      {draft.type === "json_object" ? (
        <TextField label={t("field.schema")} optional={t("common.optional")} mono rows={5} error={schemaError} value={typeof draft.json_schema === "string" ? draft.json_schema : draft.json_schema ? JSON.stringify(draft.json_schema, null, 2) : ""} onChange={(value) => put({ json_schema: value || undefined })} />
      ) : null}
      {files ? <FileLimits draft={draft} put={put} /> : null}
    </>
  );
}

function FileLimits({ draft, put }: Pick<LimitsProps, "draft" | "put">) {
  const { t } = useTranslation("studio");
  const toggle = (list: readonly string[], value: string) => (list.includes(value) ? list.filter((v) => v !== value) : [...list, value]);
  return (
    <>
      <fieldset className="st-checks">
        <legend className="st-label">{t("field.fileTypes")}</legend>
        {FILE_TYPES.map((type) => (
          <label key={type} className="st-row">
            <input type="checkbox" checked={draft.allowed_file_types.includes(type)} onChange={() => put({ allowed_file_types: toggle(draft.allowed_file_types, type) })} />
            {t(`fileTypes.${type}`)}
          </label>
        ))}
      </fieldset>
      {draft.allowed_file_types.includes("custom") ? (
        <TextField label={t("field.extensions")} hint={t("field.extensionsHint")} mono value={draft.allowed_file_extensions.join(" ")} onChange={(value) => put({ allowed_file_extensions: value.split(/[\s,]+/).filter(Boolean) })} />
      ) : null}
      <fieldset className="st-checks">
        <legend className="st-label">{t("field.uploadMethods")}</legend>
        {TRANSFER_METHODS.map((method) => (
          <label key={method} className="st-row">
            <input type="checkbox" checked={draft.allowed_file_upload_methods.includes(method)} onChange={() => put({ allowed_file_upload_methods: toggle(draft.allowed_file_upload_methods, method) })} />
            {t(`transferMethods.${method}`)}
          </label>
        ))}
      </fieldset>
    </>
  );
}
