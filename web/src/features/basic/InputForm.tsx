import { useTranslation } from "react-i18next";
import { Field } from "../../ui/Field";
import { FileField } from "../../ui/FileField";
import { Input, Textarea } from "../../ui/Input";
import { Select } from "../../ui/Select";
import { Checkbox } from "../../ui/Switch";
import { type FormField, filesOf, type Inputs, textOf, uploadOf } from "./model";

interface FormProps {
  readonly fields: readonly FormField[];
  readonly values: Inputs;
  /** Takes what is there by then: files arrive while others are on their way. */
  readonly onChange: (change: (now: Inputs) => Inputs) => void;
}

/** The form an app shows before it starts. */
export function InputForm({ fields, values, onChange }: FormProps) {
  const { t } = useTranslation("basic");
  const { t: c } = useTranslation();
  return (
    <div className="flex flex-col gap-3">
      {fields.map((field) => {
        const value = textOf(field, values);
        const set = (next: string) => onChange((now) => ({ ...now, [field.variable]: next }));
        const optional = field.required ? undefined : c("common.optional");
        const rules = uploadOf(field);
        if (rules) {
          return (
            <FileField
              key={field.variable}
              label={field.label}
              optional={optional}
              rules={rules}
              kept={[filesOf(field, values), (next) => onChange((now) => ({ ...now, [field.variable]: next(filesOf(field, now)) }))]}
            />
          );
        }
        if (field.type === "checkbox") {
          return (
            <div key={field.variable} className="flex items-center gap-2">
              <Checkbox id={`in-${field.variable}`} checked={value === "true"} onChange={(on) => set(String(on))} />
              <label htmlFor={`in-${field.variable}`}>{field.label}</label>
            </div>
          );
        }
        return (
          <Field key={field.variable} label={field.label} optional={optional}>
            {field.type === "select" ? (
              <Select
                value={value}
                onChange={set}
                placeholder={t("preview.choose")}
                options={field.options.map((option) => ({ value: option, label: option }))}
              />
            ) : field.type === "json_object" ? (
              <Textarea className="mono" rows={5} placeholder="{ }" value={value} onChange={(event) => set(event.target.value)} />
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
