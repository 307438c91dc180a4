/** One input field of a pipeline: type, name, label, limits, what helps to fill it in. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { INPUT_TYPES, type InputField, inputProblem } from "../model/inputs";
import type { StartField } from "../nodes/start";
import { FieldLimits } from "../panels/FieldDialog";
import { Button, SelectField, SwitchRow, TextField } from "../parts/controls";
import { Dialog } from "../parts/Dialog";

interface Props {
  readonly field: InputField;
  readonly others: readonly InputField[];
  readonly onClose: () => void;
  readonly onSave: (field: InputField) => void;
}

const DEFAULT_LENGTH: Readonly<Record<string, number>> = { "text-input": 48, paragraph: 8000, "file-list": 5 };
const TYPED = new Set(["text-input", "paragraph", "number", "select"]);

/** The limits are edited as those of an app's fields; only the default value has another name here. */
function asStartField(field: InputField): StartField {
  const { variable, label, type, required, options, max_length, allowed_file_types, allowed_file_extensions, allowed_file_upload_methods } = field;
  return { variable, label, type, required, hide: false, options, max_length, default: field.default_value, allowed_file_types, allowed_file_extensions, allowed_file_upload_methods };
}

function fromPatch(patch: Partial<StartField>): Partial<InputField> {
  const { default: given, hide: _, json_schema: __, ...rest } = patch;
  return "default" in patch ? { ...rest, default_value: given } : rest;
}

export function InputFieldDialog({ field, others, onClose, onSave }: Props) {
  const { t } = useTranslation("studio");
  const [draft, setDraft] = useState(field);
  const [tried, setTried] = useState(false);
  const put = (patch: Partial<InputField>) => setDraft((now) => ({ ...now, ...patch }));
  const problem = inputProblem(draft, others);
  const message = tried && problem ? t(`problems.${problem.code}`, problem.values) : undefined;
  const save = () => {
    setTried(true);
    if (!problem) onSave({ ...draft, label: draft.label || draft.variable, options: draft.options.filter(Boolean) });
  };
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
      <SelectField label={t("field.type")} value={draft.type} options={INPUT_TYPES.map((type) => ({ value: type, label: t(`fieldTypes.${type}`) }))} onChange={(type) => put({ type, max_length: DEFAULT_LENGTH[type], default_value: undefined })} />
      <TextField label={t("field.name")} mono value={draft.variable} hint={t("field.nameHint")} error={problem?.code === "noOptions" ? undefined : message} onChange={(variable) => put({ variable })} />
      <TextField label={t("field.label")} value={draft.label} placeholder={draft.variable} onChange={(label) => put({ label })} />
      <FieldLimits draft={asStartField(draft)} put={(patch) => put(fromPatch(patch))} optionsError={problem?.code === "noOptions" ? message : undefined} schemaError={undefined} />
      {TYPED.has(draft.type) ? <TextField label={t("pipelineInputs.placeholder")} optional={t("common.optional")} value={draft.placeholder} onChange={(placeholder) => put({ placeholder })} /> : null}
      {draft.type === "number" ? <TextField label={t("pipelineInputs.unit")} optional={t("common.optional")} value={draft.unit} onChange={(unit) => put({ unit })} /> : null}
      <TextField label={t("pipelineInputs.tooltip")} optional={t("common.optional")} value={draft.tooltips} onChange={(tooltips) => put({ tooltips })} />
      <SwitchRow label={t("field.required")} checked={draft.required} onChange={(required) => put({ required })} />
    </Dialog>
  );
}
