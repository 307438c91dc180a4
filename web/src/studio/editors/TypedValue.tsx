/** A constant of a given type: text, number, yes or no, or JSON that is kept as typed until it is valid. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { NumberField, SelectField, TextField } from "../parts/controls";

interface Props {
  readonly label: string;
  readonly type: string;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
  /** Lists and objects are stored as JSON text, not as values. */
  readonly asText?: boolean;
  readonly showLabel?: boolean;
}

export function isStructured(type: string): boolean {
  return type === "object" || type.startsWith("array");
}

export function parseAs(text: string, type: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    const list = Array.isArray(value);
    const ok = type === "object" ? typeof value === "object" && value !== null && !list : list;
    return ok ? value : undefined;
  } catch {
    return undefined;
  }
}

export function TypedValue({ label, type, value, onChange, asText, showLabel }: Props) {
  const { t } = useTranslation("studio");
  const hideLabel = !showLabel;
  if (type === "number" || type === "integer" || type === "float") {
    const number = typeof value === "number" ? value : typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : undefined;
    return <NumberField label={label} hideLabel={hideLabel} step="any" value={number} onChange={(next) => onChange(next ?? (asText ? "" : 0))} />;
  }
  if (type === "boolean") {
    return (
      <SelectField
        label={label}
        hideLabel={hideLabel}
        value={String(value === true || value === "true")}
        options={[
          { value: "true", label: t("condition.true") },
          { value: "false", label: t("condition.false") },
        ]}
        onChange={(next) => onChange(next === "true")}
      />
    );
  }
  if (isStructured(type)) return <JsonText label={label} hideLabel={hideLabel} type={type} value={value} asText={asText} onChange={onChange} />;
  return <TextField label={label} hideLabel={hideLabel} rows={2} value={value === undefined || value === null ? "" : String(value)} onChange={onChange} />;
}

function JsonText({ label, hideLabel, type, value, asText, onChange }: Omit<Props, "showLabel"> & { hideLabel: boolean }) {
  const { t } = useTranslation("studio");
  const [text, setText] = useState(() => (typeof value === "string" ? value : JSON.stringify(value ?? (type === "object" ? {} : []), null, 2)));
  const wrong = parseAs(text, type) === undefined;
  const change = (next: string) => {
    setText(next);
    const parsed = parseAs(next, type);
    if (parsed !== undefined) onChange(asText ? next : parsed);
  };
  return <TextField label={label} hideLabel={hideLabel} mono rows={3} value={text} error={wrong ? t("errors.badJson", { type: t(`types.${type}`, { defaultValue: type }) }) : undefined} onChange={change} />;
}
