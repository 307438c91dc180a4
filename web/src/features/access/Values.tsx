/** The values of an example: the app's inputs, the question, the ids of the address. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { Select } from "../../ui/Select";
import { Switch } from "../../ui/Switch";
import type { Given } from "./endpoints";
import { type AppInput, exampleOf, isFileInput, readInput } from "./inputs";

interface Props {
  readonly inputs: readonly AppInput[];
  /** The endpoint is asked something. */
  readonly question: boolean;
  readonly ids: readonly string[];
  readonly given: Given;
  readonly onGiven: (given: Given) => void;
}

export function Values({ inputs, question, ids, given, onGiven }: Props) {
  const { t } = useTranslation("access");
  if (inputs.length === 0 && !question && ids.length === 0) return null;
  return (
    <fieldset className="flex flex-col gap-3 min-w-0">
      <legend className="lbl mb-2">{t("values")}</legend>
      {question ? (
        <Field label="query">
          <Input className="mono" value={given.query} onChange={(event) => onGiven({ ...given, query: event.target.value })} />
        </Field>
      ) : null}
      {inputs.map((input) => (
        <Value
          key={input.name}
          input={input}
          value={input.name in given.inputs ? given.inputs[input.name] : exampleOf(input)}
          onChange={(value) => onGiven({ ...given, inputs: { ...given.inputs, [input.name]: value } })}
        />
      ))}
      {ids.map((id) => (
        <Field key={id} label={id}>
          <Input
            className="mono"
            placeholder={t("idHint")}
            value={given.ids[id] ?? ""}
            onChange={(event) => onGiven({ ...given, ids: { ...given.ids, [id]: event.target.value } })}
          />
        </Field>
      ))}
    </fieldset>
  );
}

function Value({ input, value, onChange }: { input: AppInput; value: unknown; onChange: (value: unknown) => void }) {
  const { t } = useTranslation("access");
  const plain = typeof value === "string";
  const [text, setText] = useState(() => (plain ? value : JSON.stringify(value)));
  const [wrong, setWrong] = useState(false);
  const about = [input.label === input.name ? "" : input.label, input.type, input.required ? t("needed") : ""].filter(Boolean).join(" · ");
  const write = (next: string) => {
    setText(next);
    const read = readInput(input, next);
    setWrong(read === undefined);
    if (read !== undefined) onChange(read);
  };
  if (input.type === "checkbox") {
    return (
      <div className="flex items-center justify-between gap-3">
        <span className="lbl mono">{input.name}</span>
        <span className="hint flex-1">{about}</span>
        <Switch checked={value === true} label={input.name} onChange={onChange} />
      </div>
    );
  }
  if (input.type === "select" && input.options.length > 0) {
    return (
      <Field label={input.name} aside={about}>
        <Select value={plain ? value : undefined} options={input.options.map((option) => ({ value: option, label: option }))} onChange={onChange} />
      </Field>
    );
  }
  return (
    <Field
      label={input.name}
      aside={about}
      hint={isFileInput(input) ? t("fileHint") : undefined}
      error={wrong ? t(input.type === "number" ? "notNumber" : "notJson") : undefined}
    >
      {input.type === "paragraph" || isFileInput(input) || input.type === "json_object" ? (
        <Textarea className="mono" rows={2} value={text} onChange={(event) => write(event.target.value)} />
      ) : (
        <Input className="mono" inputMode={input.type === "number" ? "decimal" : undefined} value={text} onChange={(event) => write(event.target.value)} />
      )}
    </Field>
  );
}
