/** One field of a form: name, kind, what it starts with, its options or files. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { VariableField } from "../editors/VariableField";
import { FILE_TYPES, TRANSFER_METHODS } from "../model/conditions";
import { FIELD_KINDS, type HumanField, humanFieldProblem } from "../nodes/human-input";
import { Button, NumberField, SelectField, TextField } from "../parts/controls";
import { Dialog } from "../parts/Dialog";

interface Props {
  readonly node: string;
  readonly field: HumanField;
  readonly others: readonly HumanField[];
  readonly onClose: () => void;
  readonly onSave: (field: HumanField) => void;
}

export function HumanFieldDialog({ node, field, others, onClose, onSave }: Props) {
  const { t } = useTranslation("studio");
  const [draft, setDraft] = useState(field);
  const [tried, setTried] = useState(false);
  const put = (patch: Partial<HumanField>) => setDraft((now) => ({ ...now, ...patch }));
  const problem = humanFieldProblem(draft, [...others, draft]);
  const message = tried && problem ? t(`problems.${problem.code}`, problem.values) : undefined;
  const save = () => {
    setTried(true);
    if (!problem) onSave(draft);
  };
  const files = draft.type === "file" || draft.type === "file-list";
  return (
    <Dialog
      title={field.output_variable_name}
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
      <TextField label={t("field.name")} mono hint={t("field.nameHint")} value={draft.output_variable_name} error={problem?.code === "noOptions" ? undefined : message} onChange={(output_variable_name) => put({ output_variable_name })} />
      <SelectField label={t("field.type")} value={draft.type} options={FIELD_KINDS.map((k) => ({ value: k, label: t(`fieldTypes.${k}`) }))} onChange={(type) => put({ type })} />
      {draft.type === "paragraph" ? <StartText node={node} draft={draft} put={put} /> : null}
      {draft.type === "select" ? <Options node={node} draft={draft} put={put} error={problem?.code === "noOptions" ? message : undefined} /> : null}
      {files ? <Files draft={draft} put={put} /> : null}
    </Dialog>
  );
}

interface PartProps {
  readonly node: string;
  readonly draft: HumanField;
  readonly put: (patch: Partial<HumanField>) => void;
}

function StartText({ node, draft, put }: PartProps) {
  const { t } = useTranslation("studio");
  const source = draft.default ?? undefined;
  const form = source?.type === "variable" ? "variable" : source ? "constant" : "none";
  const choose = (next: string) => put({ default: next === "none" ? null : { type: next, selector: [], value: "" } });
  return (
    <>
      <SelectField label={t("human.startsWith")} value={form} options={["none", "constant", "variable"].map((f) => ({ value: f, label: f === "none" ? t("human.startsEmpty") : t(`valueForms.${f}`) }))} onChange={choose} />
      {form === "variable" && source ? <VariableField node={node} label={t("human.startsWith")} value={source.selector} onChange={(selector) => put({ default: { ...source, selector } })} /> : null}
      {form === "constant" && source ? <TextField label={t("human.startsWith")} hideLabel rows={3} value={typeof source.value === "string" ? source.value : ""} onChange={(value) => put({ default: { ...source, value } })} /> : null}
    </>
  );
}

const LISTS = ["array[string]"];

function Options({ node, draft, put, error }: PartProps & { error: string | undefined }) {
  const { t } = useTranslation("studio");
  const source = draft.option_source ?? { type: "constant", selector: [], value: [] };
  const lines = Array.isArray(source.value) ? source.value.map(String) : [];
  return (
    <>
      <SelectField label={t("field.options")} value={source.type} options={["constant", "variable"].map((f) => ({ value: f, label: t(`valueForms.${f}`) }))} onChange={(type) => put({ option_source: { ...source, type } })} />
      {source.type === "variable" ? (
        <VariableField node={node} label={t("field.options")} types={LISTS} value={source.selector} onChange={(selector) => put({ option_source: { ...source, selector } })} />
      ) : (
        <TextField label={t("field.options")} hideLabel rows={4} hint={t("field.optionsHint")} error={error} value={lines.join("\n")} onChange={(value) => put({ option_source: { ...source, value: value.split("\n").filter((o, i, all) => o !== "" || i === all.length - 1) } })} />
      )}
    </>
  );
}

function Files({ draft, put }: Omit<PartProps, "node">) {
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
      {draft.type === "file-list" ? <NumberField label={t("field.maxFiles")} min={0} max={10} value={draft.number_limits} onChange={(v) => put({ number_limits: Math.max(0, Math.round(v ?? 0)) })} /> : null}
    </>
  );
}
