/** A form as a person gets it: its text with the fields in place, and a button per action. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { HumanForm } from "../model/form";
import type { StartField } from "../nodes/start";
import { Button } from "../parts/controls";
import { fieldError, InputField, type Values } from "../sides/InputForm";

const MARK = /\{\{#\$output\.([A-Za-z_][A-Za-z0-9_]*)#\}\}/g;

/** A field of a form as a field of an input form. */
function asField(input: HumanForm["inputs"][number]): StartField {
  const options: unknown = input.option_source?.value;
  return {
    variable: input.output_variable_name,
    label: input.output_variable_name,
    type: input.type,
    required: true,
    hide: false,
    options: Array.isArray(options) ? options.map(String) : [],
    max_length: null,
    allowed_file_types: input.allowed_file_types,
    allowed_file_extensions: input.allowed_file_extensions,
    allowed_file_upload_methods: input.allowed_file_upload_methods,
  };
}

function firstValues(form: HumanForm): Values {
  return Object.fromEntries(
    form.inputs.flatMap((input) => {
      const given = form.resolved_default_values[input.output_variable_name] ?? (input.default?.type === "constant" ? input.default.value : undefined);
      return given === undefined || given === null || given === "" ? [] : [[input.output_variable_name, given]];
    }),
  );
}

const LOOKS: Readonly<Record<string, "primary" | "default" | "quiet">> = { primary: "primary", accent: "primary", ghost: "quiet" };

interface Props {
  readonly form: HumanForm;
  readonly busy?: boolean;
  /** Absent: the form is only looked at. */
  readonly onSubmit?: (inputs: Values, action: string) => void;
}

export function FormView({ form, busy, onSubmit }: Props) {
  const { t } = useTranslation("studio");
  const [values, setValues] = useState<Values>(() => firstValues(form));
  const [tried, setTried] = useState(false);
  const submit = (action: string) => {
    setTried(true);
    if (form.inputs.every((input) => !fieldError(asField(input), values[input.output_variable_name]))) onSubmit?.(values, action);
  };
  const field = (input: HumanForm["inputs"][number]) => {
    const own = asField(input);
    const problem = tried ? fieldError(own, values[own.variable]) : undefined;
    return <InputField key={own.variable} field={own} value={values[own.variable]} error={problem ? t(`form.${problem.code}`, problem.values) : undefined} onChange={(value) => setValues((now) => ({ ...now, [own.variable]: value }))} />;
  };
  const parts: ReactNode[] = [];
  const left = new Map(form.inputs.map((input) => [input.output_variable_name, input]));
  let from = 0;
  for (const match of form.form_content.matchAll(MARK)) {
    parts.push(<FormText key={`t${from}`} text={form.form_content.slice(from, match.index)} />);
    const input = left.get(match[1] ?? "");
    if (input) parts.push(field(input));
    left.delete(match[1] ?? "");
    from = match.index + match[0].length;
  }
  parts.push(<FormText key="end" text={form.form_content.slice(from)} />);
  // A field without a place in the text is asked for all the same.
  for (const input of left.values()) parts.push(field(input));
  return (
    <div className="st-form">
      {parts}
      <div className="st-chips">
        {form.actions.map((action) => (
          <Button key={action.id} look={LOOKS[action.button_style] ?? "default"} disabled={busy || !onSubmit} onClick={() => submit(action.id)}>
            {action.title}
          </Button>
        ))}
      </div>
    </div>
  );
}

/** Headings and emphasis are enough here; the published page renders all of Markdown. */
function FormText({ text }: { text: string }) {
  const lines = text.split("\n").filter((line, i, all) => line.trim() !== "" || (i > 0 && i < all.length - 1));
  return (
    <>
      {lines.map((line, i) => {
        const heading = /^#{1,6}\s+(.*)$/.exec(line);
        // biome-ignore lint/suspicious/noArrayIndexKey: lines of one text
        return heading ? <strong key={i}>{heading[1]}</strong> : <p key={i}>{emphasis(line)}</p>;
      })}
    </>
  );
}

function emphasis(line: string): ReactNode[] {
  // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one line
  return line.split(/\*\*(.+?)\*\*/g).map((piece, i) => (i % 2 === 1 ? <b key={i}>{piece}</b> : piece));
}
