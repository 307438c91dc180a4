/** Calls one operation of an API with values of one's own and shows what it answers. */
import { useMutation } from "@tanstack/react-query";
import { CircleAlert, Play } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { type ApiAuth, type ApiOperation, type ToolParameter, testApiTool } from "../../data/tools";
import { inLanguage, useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Code } from "../../ui/Code";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { Badge } from "../../ui/Marks";
import { Select } from "../../ui/Select";
import { callOf, operationName, pathOf, startParameter } from "./model";

interface Props {
  readonly operation: ApiOperation;
  readonly auth: ApiAuth;
  readonly schema: string;
  readonly schemaType: string;
  readonly provider: string | undefined;
  readonly onClose: () => void;
}

const shown = (value: unknown): string => (typeof value === "string" ? pretty(value) : JSON.stringify(value, null, 2));

function pretty(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? JSON.stringify(value, null, 2) : text;
  } catch {
    return text;
  }
}

export function TestDialog({ operation, auth, schema, schemaType, provider, onClose }: Props) {
  const { t } = useTranslation("tools");
  const { t: c } = useTranslation();
  const format = useFormat();
  const form = useId();
  const parameters = operation.parameters ?? [];
  const [values, setValues] = useState<Readonly<Record<string, string>>>(() => Object.fromEntries(parameters.map((each) => [each.name, startParameter(each)])));
  const [checked, setChecked] = useState(false);
  const name = operationName(operation);
  const { call, wrong } = callOf(parameters, values);
  const test = useMutation({
    mutationFn: async () => {
      const start = performance.now();
      const answer = await testApiTool({
        tool_name: name,
        credentials: auth,
        parameters: call,
        schema_type: schemaType,
        schema,
        ...(provider ? { provider_name: provider } : {}),
      });
      if (answer.error) throw new Error(answer.error);
      return { text: shown(answer.result), seconds: (performance.now() - start) / 1000 };
    },
  });
  return (
    <Dialog
      open
      title={t("test.named", { name })}
      about={
        <span className="flex items-center gap-1.5 min-w-0">
          <Badge>{operation.method.toUpperCase()}</Badge>
          <span className="mono truncate">{pathOf(operation)}</span>
        </span>
      }
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <Button kind="primary" icon={Play} type="submit" form={form} busy={test.isPending}>
          {t("test.run")}
        </Button>
      }
    >
      <form
        id={form}
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          event.stopPropagation();
          setChecked(true);
          if (wrong.length === 0) test.mutate();
        }}
      >
        {parameters.length === 0 ? <p className="hint">{t("test.noParameters")}</p> : null}
        {parameters.map((parameter) => (
          <ParameterField
            key={parameter.name}
            parameter={parameter}
            value={values[parameter.name] ?? ""}
            error={
              checked && wrong.includes(parameter.name)
                ? t((values[parameter.name] ?? "") === "" ? "form.required" : `wrong.${parameter.type}`, { defaultValue: t("form.required") })
                : undefined
            }
            onChange={(value) => setValues((now) => ({ ...now, [parameter.name]: value }))}
          />
        ))}
        <div role="status">
          {test.isPending ? <span className="hint">{t("test.running")}</span> : null}
          {test.isSuccess ? (
            <div className="flex flex-col gap-1">
              <span className="lbl">
                {t("test.answer")} <span className="text-ink-3 font-regular num">{format.duration(test.data.seconds)}</span>
              </span>
              <Code text={test.data.text} label={t("test.answer")} />
            </div>
          ) : null}
          {test.error ? (
            <div className="banner" data-tone="bad">
              <CircleAlert size={16} aria-hidden />
              <span className="wrap-anywhere">
                <b className="font-semibold">{t("test.failed")}</b> {messageOf(test.error)}
              </span>
            </div>
          ) : null}
        </div>
      </form>
    </Dialog>
  );
}

interface FieldProps {
  readonly parameter: ToolParameter;
  readonly value: string;
  readonly error: string | undefined;
  readonly onChange: (value: string) => void;
}

/** One input of a tool, by its type. */
export function ParameterField({ parameter, value, error, onChange }: FieldProps) {
  const { t, i18n } = useTranslation("tools");
  const { t: c } = useTranslation();
  const label = inLanguage(parameter.label, i18n.language) || parameter.name;
  const hint = inLanguage(parameter.human_description, i18n.language) || parameter.llm_description || undefined;
  const common = { label, error, hint, ...(parameter.required ? {} : { optional: c("common.optional") }) };
  const choices = parameter.options ?? [];
  if (choices.length > 0) {
    return (
      <Field {...common}>
        <Select
          value={value}
          onChange={onChange}
          options={choices.map((option) => ({ value: option.value, label: inLanguage(option.label, i18n.language) || option.value }))}
        />
      </Field>
    );
  }
  if (parameter.type === "boolean" || parameter.type === "checkbox") {
    return (
      <Field {...common}>
        <Select
          value={value}
          onChange={onChange}
          options={[
            { value: "true", label: t("yes") },
            { value: "false", label: t("no") },
          ]}
        />
      </Field>
    );
  }
  if (parameter.type === "object" || parameter.type === "array") {
    return (
      <Field {...common}>
        <Textarea className="mono" rows={4} spellCheck={false} value={value} onChange={(event) => onChange(event.target.value)} />
      </Field>
    );
  }
  return (
    <Field {...common}>
      <Input value={value} {...(parameter.type === "number" ? { inputMode: "decimal" as const } : {})} onChange={(event) => onChange(event.target.value)} />
    </Field>
  );
}
