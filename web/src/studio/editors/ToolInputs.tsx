/** The inputs of a tool, from its own description: text with variables, a variable, or a fixed value. */
import { Variable } from "lucide-react";
import { useTranslation } from "react-i18next";
import { inLanguage } from "../api";
import { inputOf, type ToolInput, type ToolParameter, type ToolValues } from "../nodes/tool";
import { IconButton, NumberField, SelectField, SwitchRow } from "../parts/controls";
import { PromptEditor } from "./PromptEditor";
import { isStructured, TypedValue } from "./TypedValue";
import { VariableField } from "./VariableField";

interface Props {
  readonly node: string;
  readonly parameters: readonly ToolParameter[];
  readonly values: ToolValues;
  readonly onChange: (values: ToolValues) => void;
}

const FILES: Readonly<Record<string, readonly string[]>> = { file: ["file"], files: ["array[file]", "file"], "system-files": ["array[file]"] };

export function ToolInputs({ node, parameters, values, onChange }: Props) {
  const { i18n, t } = useTranslation("studio");
  return (
    <>
      {parameters.map((parameter) => {
        const name = inLanguage(parameter.label, i18n.language) || parameter.name;
        const about = inLanguage(parameter.human_description, i18n.language);
        const put = (input: ToolInput) => onChange({ ...values, [parameter.name]: input });
        return (
          <div className="st-field" key={parameter.name}>
            <div className="st-between">
              <span className="st-label">
                {name} {parameter.required ? null : <span className="st-meta">{t("common.optional")}</span>}
              </span>
              <span className="st-meta st-mono">{parameter.name}</span>
            </div>
            <OneInput node={node} label={name} parameter={parameter} input={inputOf(values, parameter.name)} onChange={put} />
            {about ? <span className="st-hint">{about}</span> : null}
          </div>
        );
      })}
    </>
  );
}

interface InputProps {
  readonly node: string;
  readonly label: string;
  readonly parameter: ToolParameter;
  readonly input: ToolInput | undefined;
  readonly onChange: (input: ToolInput) => void;
}

function OneInput({ node, label, parameter, input, onChange }: InputProps) {
  const { type } = parameter;
  const selector = Array.isArray(input?.value) ? input.value.map(String) : [];
  const files = FILES[type];
  if (files) return <VariableField node={node} label={label} types={files} value={selector} onChange={(value) => onChange({ type: "variable", value })} />;
  const text = type === "string" || type === "secret-input" || type === "any" || type === "dynamic-select" || type === "text-input";
  if (text) return <TextInput node={node} label={label} parameter={parameter} input={input} onChange={onChange} />;
  return <FixedOrVariable node={node} label={label} parameter={parameter} input={input} onChange={onChange} />;
}

function TextInput({ node, label, parameter, input, onChange }: InputProps) {
  const { i18n } = useTranslation("studio");
  const value = input?.value ?? parameter.default ?? "";
  const text = Array.isArray(value) ? `{{#${value.join(".")}#}}` : typeof value === "object" ? JSON.stringify(value) : String(value);
  if (parameter.options.length > 0) return <Choice label={label} parameter={parameter} value={text} onChange={onChange} />;
  return (
    <div className="st-box">
      <PromptEditor node={node} single={parameter.form === "form"} label={label} placeholder={inLanguage(parameter.placeholder, i18n.language)} value={text} onChange={(next) => onChange({ type: "mixed", value: next })} />
    </div>
  );
}

function Choice({ label, parameter, value, onChange }: { label: string; parameter: ToolParameter; value: string; onChange: (input: ToolInput) => void }) {
  const { i18n } = useTranslation("studio");
  return <SelectField label={label} hideLabel value={value} options={parameter.options.map((o) => ({ value: o.value, label: inLanguage(o.label, i18n.language) || o.value }))} onChange={(next) => onChange({ type: "constant", value: next })} />;
}

const WANTED: Readonly<Record<string, string>> = { number: "number", boolean: "boolean", checkbox: "boolean", select: "string", object: "object", array: "array" };

function FixedOrVariable({ node, label, parameter, input, onChange }: InputProps) {
  const { t } = useTranslation("studio");
  const from = input?.type === "variable";
  const wanted = WANTED[parameter.type] ?? "any";
  const value = input?.value ?? parameter.default;
  const fixed = () => onChange({ type: "constant", value: parameter.default ?? (wanted === "boolean" ? false : undefined) });
  return (
    <div className="st-row st-top">
      <div className="st-grow">
        {from ? (
          <VariableField node={node} label={label} types={[wanted]} value={Array.isArray(value) ? value.map(String) : []} onChange={(next) => onChange({ type: "variable", value: next })} />
        ) : parameter.options.length > 0 ? (
          <Choice label={label} parameter={parameter} value={String(value ?? "")} onChange={onChange} />
        ) : wanted === "boolean" ? (
          <SwitchRow label={label} checked={value === true || value === "true" || value === 1} onChange={(next) => onChange({ type: "constant", value: next })} />
        ) : wanted === "number" ? (
          <NumberField label={label} hideLabel min={parameter.min ?? undefined} max={parameter.max ?? undefined} step="any" value={typeof value === "number" ? value : value ? Number(value) : undefined} onChange={(next) => onChange({ type: "constant", value: next })} />
        ) : (
          <TypedValue label={label} type={isStructured(wanted) ? wanted : "string"} value={value} onChange={(next) => onChange({ type: "constant", value: next })} />
        )}
      </div>
      <IconButton label={t(from ? "tool.useValue" : "tool.useVariable", { name: label })} icon={Variable} aria-pressed={from} onClick={() => (from ? fixed() : onChange({ type: "variable", value: [] }))} />
    </div>
  );
}
