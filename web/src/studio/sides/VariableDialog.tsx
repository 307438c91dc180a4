import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { StoredVariable } from "../model/document";
import { NAME } from "../nodes/schema";
import { Button, NumberField, SelectField, SwitchRow, TextField } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import type { VariableScope } from "./VariablesPanel";

const TYPES: Readonly<Record<VariableScope, readonly string[]>> = {
  environment: ["string", "number", "secret"],
  conversation: ["string", "number", "boolean", "object", "array[string]", "array[number]", "array[boolean]", "array[object]"],
};

const MASK = /^\*{8,}$/;

function emptyOf(type: string): unknown {
  if (type === "number") return 0;
  if (type === "boolean") return false;
  if (type === "object") return {};
  return type.startsWith("array") ? [] : "";
}

interface Props {
  readonly scope: VariableScope;
  readonly variable: StoredVariable;
  readonly others: readonly StoredVariable[];
  readonly onClose: () => void;
  readonly onSave: (variable: StoredVariable) => void;
}

export function VariableDialog({ scope, variable, others, onClose, onSave }: Props) {
  const { t } = useTranslation("studio");
  const [draft, setDraft] = useState(variable);
  const [json, setJson] = useState(() => JSON.stringify(variable.value ?? null, null, 2));
  const structured = draft.value_type === "object" || draft.value_type.startsWith("array");
  const parsed = structured ? parse(json, draft.value_type) : undefined;
  const wrongName = !NAME.test(draft.name) ? t("inputs.badName") : others.some((o) => o.name === draft.name) ? t("problems.sameName", { name: draft.name }) : undefined;
  const wrongJson = structured && parsed === undefined ? t("errors.badJson", { type: t(`types.${draft.value_type}`) }) : undefined;
  const save = () => {
    if (!wrongName && !wrongJson) onSave({ ...draft, value: structured ? parsed : draft.value });
  };
  const changeType = (value_type: string) => {
    const value = emptyOf(value_type);
    setDraft({ ...draft, value_type, value });
    setJson(JSON.stringify(value, null, 2));
  };
  return (
    <Dialog
      title={variable.name}
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
      <TextField label={t("field.name")} mono value={draft.name} error={wrongName} onChange={(name) => setDraft({ ...draft, name })} />
      <SelectField label={t("field.type")} value={draft.value_type} options={TYPES[scope].map((type) => ({ value: type, label: t(`types.${type}`) }))} onChange={changeType} />
      {structured ? (
        <TextField label={t(`${scope}.value`)} mono rows={6} value={json} error={wrongJson} onChange={setJson} />
      ) : (
        <SimpleValue label={t(`${scope}.value`)} draft={draft} onChange={(value) => setDraft({ ...draft, value })} />
      )}
      <TextField label={t("field.description")} optional={t("common.optional")} rows={2} value={draft.description} onChange={(description) => setDraft({ ...draft, description })} />
    </Dialog>
  );
}

function parse(text: string, type: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    const list = Array.isArray(value);
    const ok = type === "object" ? typeof value === "object" && value !== null && !list : list;
    return ok ? value : undefined;
  } catch {
    return undefined;
  }
}

function SimpleValue({ label, draft, onChange }: { label: string; draft: StoredVariable; onChange: (value: unknown) => void }) {
  const { t } = useTranslation("studio");
  const text = typeof draft.value === "string" ? draft.value : draft.value === undefined || draft.value === null ? "" : String(draft.value);
  if (draft.value_type === "number") return <NumberField label={label} step="any" value={typeof draft.value === "number" ? draft.value : text ? Number(text) : undefined} onChange={(value) => onChange(value ?? 0)} />;
  if (draft.value_type === "boolean") return <SwitchRow label={label} checked={draft.value === true} onChange={onChange} />;
  if (draft.value_type === "secret") {
    const kept = MASK.test(text);
    return <TextField label={label} type="password" hint={kept ? t("environment.kept") : undefined} placeholder={kept ? t("environment.replace") : ""} value={kept ? "" : text} onChange={(value) => onChange(value)} />;
  }
  return <TextField label={label} rows={3} value={text} onChange={onChange} />;
}
