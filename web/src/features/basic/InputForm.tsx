import { useTranslation } from "react-i18next";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { Select } from "../../ui/Select";
import { Checkbox } from "../../ui/Switch";
import type { FormField, Inputs } from "./model";

/** The form an app shows before it starts. */
export function InputForm({ fields, values, onChange }: { fields: readonly FormField[]; values: Inputs; onChange: (values: Inputs) => void }) {
  const { t } = useTranslation("basic");
  const { t: c } = useTranslation();
  return (
    <div className="flex flex-col gap-3">
      {fields.map((field) => {
        const value = values[field.variable] ?? field.start;
        const set = (next: string) => onChange({ ...values, [field.variable]: next });
        if (field.type === "checkbox") {
          return (
            <div key={field.variable} className="flex items-center gap-2">
              <Checkbox id={`in-${field.variable}`} checked={value === "true"} onChange={(on) => set(String(on))} />
              <label htmlFor={`in-${field.variable}`}>{field.label}</label>
            </div>
          );
        }
        return (
          <Field key={field.variable} label={field.label} {...(field.required ? {} : { optional: c("common.optional") })}>
            {field.type === "select" ? (
              <Select
                value={value}
                onChange={set}
                placeholder={t("preview.choose")}
                options={field.options.map((option) => ({ value: option, label: option }))}
              />
            ) : field.type === "paragraph" ? (
              <Textarea rows={3} value={value} maxLength={field.maxLength} onChange={(event) => set(event.target.value)} />
            ) : (
              <Input
                type={field.type === "number" ? "number" : "text"}
                value={value}
                maxLength={field.maxLength}
                onChange={(event) => set(event.target.value)}
              />
            )}
          </Field>
        );
      })}
    </div>
  );
}
