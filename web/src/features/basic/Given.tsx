/** The form of an app where it is tried. */

import { TextCursorInput } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { InputForm } from "./InputForm";
import { type Config, type Inputs, shownInput } from "./model";

interface GivenProps {
  readonly fields: Config["fields"];
  readonly inputs: Inputs;
  readonly folded: boolean;
  readonly onEdit: () => void;
  readonly onChange: (change: (now: Inputs) => Inputs) => void;
}

/** The form before the chat; on one line when the chat has begun. */
export function Given({ fields, inputs, folded, onEdit, onChange }: GivenProps) {
  const { t } = useTranslation();
  if (!folded) {
    return (
      <div className="card p-3">
        <InputForm fields={fields} values={inputs} onChange={onChange} />
      </div>
    );
  }
  return (
    <div className="card flex items-center gap-3 px-3 py-1.5">
      <TextCursorInput size={14} strokeWidth={1.9} className="text-ink-3 flex-none" aria-hidden />
      <span className="flex-1 min-w-0 truncate text-12 text-ink-3">
        {fields
          .map((field) => ({ field, value: shownInput(field, inputs) }))
          .filter(({ value }) => value)
          .map(({ field, value }) => (
            <span key={field.variable} className="me-3">
              {field.label} <b className="font-semibold text-ink-1">{value}</b>
            </span>
          ))}
      </span>
      <Button size="sm" kind="quiet" onClick={onEdit}>
        {t("common.edit")}
      </Button>
    </div>
  );
}
