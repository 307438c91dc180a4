/** Model parameters: a row per rule; a parameter that is off is not sent. */
import { useTranslation } from "react-i18next";
import { inLanguage, type ParameterRule } from "../api";
import { NumberField, SelectField, SwitchRow, TextField } from "../parts/controls";

type Values = Readonly<Record<string, unknown>>;

interface Props {
  readonly rules: readonly ParameterRule[];
  readonly values: Values;
  readonly onChange: (values: Record<string, unknown>) => void;
}

function without(values: Values, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));
}

/** What a parameter starts with when it is switched on. */
function firstValue(rule: ParameterRule): unknown {
  if (rule.default !== undefined && rule.default !== null) return rule.default;
  if (rule.type === "boolean") return false;
  if (rule.type === "float" || rule.type === "int") return rule.min ?? 0;
  return rule.options[0] ?? "";
}

export function ParameterForm({ rules, values, onChange }: Props) {
  const { i18n } = useTranslation("studio");
  return (
    <div className="st-case">
      {rules.map((rule) => {
        const label = inLanguage(rule.label, i18n.language) || rule.name;
        const on = rule.name in values || Boolean(rule.required);
        return (
          <div className="st-col" key={rule.name}>
            <SwitchRow label={label} checked={on} disabled={Boolean(rule.required)} onChange={(next) => onChange(next ? { ...values, [rule.name]: firstValue(rule) } : without(values, rule.name))} />
            {on ? <ParameterValue rule={rule} label={label} value={values[rule.name]} onChange={(value) => onChange({ ...values, [rule.name]: value })} /> : null}
            {on && rule.help ? <div className="st-hint">{inLanguage(rule.help, i18n.language)}</div> : null}
          </div>
        );
      })}
    </div>
  );
}

interface ValueProps {
  readonly rule: ParameterRule;
  readonly label: string;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

function ParameterValue({ rule, label, value, onChange }: ValueProps) {
  if (rule.type === "boolean") return <SwitchRow label={label} checked={value === true} onChange={onChange} />;
  if (rule.options.length > 0) {
    return <SelectField label={label} hideLabel value={String(value ?? "")} options={rule.options.map((o) => ({ value: o, label: o }))} onChange={onChange} />;
  }
  if (rule.type === "float" || rule.type === "int") {
    const step = rule.type === "int" ? 1 : 10 ** -(rule.precision ?? 2);
    const min = rule.min ?? undefined;
    const max = rule.max ?? undefined;
    const number = typeof value === "number" ? value : undefined;
    return (
      <div className="st-row">
        {min !== undefined && max !== undefined ? (
          <input className="st-range" type="range" aria-label={label} min={min} max={max} step={step} value={number ?? min} onChange={(e) => onChange(Number(e.target.value))} />
        ) : null}
        <div className="st-number">
          <NumberField label={label} hideLabel min={min} max={max} step={step} value={number} onChange={onChange} />
        </div>
      </div>
    );
  }
  return <TextField label={label} hideLabel value={typeof value === "string" ? value : ""} rows={rule.type === "text" ? 3 : undefined} onChange={onChange} />;
}
