/** The fields of a form that a trigger plugin declares. */
import { useTranslation } from "react-i18next";
import { NumberField, SelectField, SwitchRow, TextField } from "../parts/controls";
import { type TriggerField, toldIn, type Values } from "../triggerProviders";

interface Props {
  readonly fields: readonly TriggerField[];
  readonly values: Values;
  readonly onChange: (name: string, value: unknown) => void;
}

export function TriggerFields({ fields, values, onChange }: Props) {
  const { t, i18n } = useTranslation("studio");
  return fields.map((field) => {
    const label = toldIn(field.label, i18n.language, field.name);
    const hint = toldIn(field.description, i18n.language, "") || undefined;
    const optional = field.required ? undefined : t("common.optional");
    const value = values[field.name] ?? field.default;
    const write = (next: unknown) => onChange(field.name, next);
    if (field.type === "boolean") return <SwitchRow key={field.name} label={label} checked={value === true} onChange={write} />;
    if (field.type === "number") return <NumberField key={field.name} label={label} hint={hint} optional={optional} value={typeof value === "number" ? value : undefined} onChange={write} />;
    if (field.options && field.options.length > 0)
      return <SelectField key={field.name} label={label} hint={hint} optional={optional} value={String(value ?? "")} options={field.options.map((o) => ({ value: o.value, label: toldIn(o.label, i18n.language, o.value) }))} onChange={write} />;
    return <TextField key={field.name} label={label} hint={hint} optional={optional} type={field.type === "secret-input" ? "password" : "text"} value={String(value ?? "")} onChange={write} />;
  });
}

/** Names of the fields that must be set and are not. */
export function unset(fields: readonly TriggerField[], values: Values): string[] {
  return fields.filter((f) => f.required && [undefined, null, ""].includes((values[f.name] ?? f.default) as string | null | undefined)).map((f) => f.name);
}

/** The values with the defaults of fields that nobody touched. */
export function withDefaults(fields: readonly TriggerField[], values: Values): Values {
  const all = fields.map((f) => [f.name, values[f.name] ?? f.default] as const);
  return Object.fromEntries(all.filter(([, value]) => value !== undefined && value !== null));
}
