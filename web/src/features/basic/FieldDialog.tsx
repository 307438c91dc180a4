import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { Select } from "../../ui/Select";
import { Checkbox } from "../../ui/Switch";
import { FIELD_TYPES, type FormField, newField, VARIABLE } from "./model";

interface Props {
  readonly field: FormField | undefined;
  readonly taken: readonly string[];
  readonly onClose: () => void;
  readonly onSave: (field: FormField) => void;
}

export function FieldDialog({ field, taken, onClose, onSave }: Props) {
  const { t } = useTranslation("basic");
  const { t: c } = useTranslation();
  const form = useId();
  const [draft, setDraft] = useState<FormField>(field ?? { ...newField(""), label: "" });
  const [options, setOptions] = useState(draft.options.join("\n"));
  const [checked, setChecked] = useState(false);
  const change = (part: Partial<FormField>) => setDraft((now) => ({ ...now, ...part }));
  const choices = options
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const wrongName = VARIABLE.test(draft.variable) ? (taken.includes(draft.variable) ? t("field.taken") : undefined) : t("field.wrongVariable");
  const wrongOptions = draft.type === "select" && choices.length === 0 ? t("field.needOptions") : undefined;
  // A kind that came with a file stays what it is.
  const isMade = (type: string) => FIELD_TYPES.some((made) => made === type);
  const types: readonly string[] = field && !isMade(field.type) ? [...FIELD_TYPES, field.type] : FIELD_TYPES;
  const text = draft.type === "text-input" || draft.type === "paragraph";
  const save = () => {
    setChecked(true);
    if (wrongName || wrongOptions) return;
    onSave({
      ...draft,
      label: draft.label.trim() || draft.variable,
      options: draft.type === "select" ? choices : [],
      maxLength: text ? draft.maxLength : undefined,
    });
  };
  return (
    <Dialog
      open
      title={t(field ? "field.edit" : "field.add")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form}>
            {t("field.save")}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <Field label={t("field.type")}>
          <Select
            value={draft.type}
            onChange={(type) => change({ type })}
            options={types.map((type) => ({ value: type, label: t(`types.${type}`, { defaultValue: type }) }))}
          />
        </Field>
        <div className="grid grid-cols-2 gap-3">
          <Field label={t("field.variable")} error={checked ? wrongName : undefined}>
            <Input className="mono" autoFocus value={draft.variable} maxLength={30} onChange={(event) => change({ variable: event.target.value })} />
          </Field>
          <Field label={t("field.label")} optional={c("common.optional")}>
            <Input value={draft.label} onChange={(event) => change({ label: event.target.value })} />
          </Field>
        </div>
        {draft.type === "select" ? (
          <Field label={t("field.options")} error={checked ? wrongOptions : undefined}>
            <Textarea rows={4} value={options} onChange={(event) => setOptions(event.target.value)} />
          </Field>
        ) : null}
        {text ? (
          <Field label={t("field.max")} optional={c("common.optional")}>
            <Input
              type="number"
              min={1}
              value={draft.maxLength ?? ""}
              onChange={(event) => change({ maxLength: event.target.value === "" ? undefined : Math.max(1, Number(event.target.value)) })}
            />
          </Field>
        ) : null}
        {draft.type === "checkbox" || !isMade(draft.type) ? null : (
          <Field label={t("field.default")} optional={c("common.optional")}>
            <Input type={draft.type === "number" ? "number" : "text"} value={draft.start} onChange={(event) => change({ start: event.target.value })} />
          </Field>
        )}
        <div className="flex items-center gap-2">
          <Checkbox id="required" checked={draft.required} onChange={(required) => change({ required })} />
          <label htmlFor="required">{t("field.required")}</label>
        </div>
      </form>
    </Dialog>
  );
}
