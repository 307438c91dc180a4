import { Plus, Sparkles, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CodeEditor } from "../editors/CodeEditor";
import { type CodeData, CODE_TYPES, LANGUAGE_NAMES, LANGUAGES, STARTERS } from "../nodes/code";
import type { PanelProps } from "../nodes/kind";
import { freeName, NAME } from "../nodes/schema";
import { Button, IconButton, SelectField, TextField } from "../parts/controls";
import { renameVariable, settingsChanges } from "../store/actions";
import { GenerateHere } from "./GenerateHere";
import { NamedInputs } from "./NamedInputs";

export function CodePanel({ id, data, update }: PanelProps<CodeData>) {
  const { t } = useTranslation("studio");
  const python = data.code_language === "python3";
  const [generating, setGenerating] = useState(false);
  const untouched = isUntouched(data.code);
  // Code nobody has touched follows the language.
  const choose = (code_language: string) => {
    update({ code_language, ...(untouched ? { code: STARTERS[code_language] ?? "" } : {}) });
  };
  return (
    <>
      <NamedInputs
        node={id}
        title={t("code.inputs")}
        hint={t("code.inputsHint")}
        base="arg"
        rows={data.variables}
        add={(variable) => ({ variable, value_selector: [] })}
        onChange={(variables) => update({ variables })}
      />
      <section className="st-section">
        <div className="st-between">
          <span className="st-label">{t("code.code")}</span>
          <span className="st-grow" />
          <Button look="quiet" size="sm" icon={Sparkles} disabled={!LANGUAGES.includes(data.code_language)} onClick={() => setGenerating(true)}>
            {t("code.generate")}
          </Button>
          <div className="st-language">
            <SelectField label={t("code.language")} hideLabel value={data.code_language} options={LANGUAGES.map((l) => ({ value: l, label: LANGUAGE_NAMES[l] ?? l }))} onChange={choose} />
          </div>
        </div>
        <div className="st-box">
          <CodeEditor label={t("code.code")} language={python ? "python" : data.code_language === "javascript" ? "javascript" : "text"} value={data.code} onChange={(code) => update({ code })} />
        </div>
        <span className="st-hint">{t(python ? "code.hintPython" : "code.hint")}</span>
      </section>
      <CodeOutputs id={id} data={data} update={update} />
      {generating ? (
        <GenerateHere
          node={id}
          kind="code"
          current={untouched ? "" : data.code}
          language={data.code_language}
          facts={factsOf(data)}
          onClose={() => setGenerating(false)}
          onText={(code) => update({ code })}
        />
      ) : null}
    </>
  );
}

const isUntouched = (code: string) => code.trim() === "" || Object.values(STARTERS).includes(code);

/** The names that the node has, for the model that writes its code. */
function factsOf(data: CodeData): string {
  const inputs = data.variables.map((input) => input.variable).filter(Boolean).join(", ");
  const outputs = Object.entries(data.outputs).map(([name, output]) => `${name} (${output.type})`).join(", ");
  return `Inputs: ${inputs || "none"}\nOutputs: ${outputs || "none"}`;
}

function CodeOutputs({ id, data, update }: PanelProps<CodeData>) {
  const { t } = useTranslation("studio");
  const entries = Object.entries(data.outputs);
  const write = (next: readonly (readonly [string, CodeData["outputs"][string]])[]) => Object.fromEntries(next);
  const rename = (before: string, after: string) => {
    if (data.outputs[after]) return;
    const outputs = write(entries.map(([name, output]) => [name === before ? after : name, output]));
    renameVariable(id, before, after, settingsChanges(id, { outputs }));
  };
  return (
    <section className="st-section" aria-label={t("code.outputs")}>
      <div className="st-between">
        <span className="st-label">{t("code.outputs")}</span>
        <Button
          look="quiet"
          size="sm"
          icon={Plus}
          onClick={() => update({ outputs: write([...entries, [freeName(Object.keys(data.outputs), "result"), { type: "string", children: null }]]) })}
        >
          {t("common.add")}
        </Button>
      </div>
      {entries.map(([name, output], i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the name is what is being edited
        <div className="st-listrow" key={i}>
          <TextField label={t("code.outputName", { number: i + 1 })} hideLabel mono value={name} error={NAME.test(name) ? undefined : t("inputs.badName")} onChange={(next) => rename(name, next)} />
          <SelectField
            label={t("code.outputType", { name })}
            hideLabel
            value={output.type}
            options={CODE_TYPES.map((type) => ({ value: type, label: t(`types.${type}`) }))}
            onChange={(type) => update({ outputs: write(entries.map(([n, o]) => [n, n === name ? { ...o, type, children: null } : o])) })}
          />
          <IconButton label={t("inputs.remove", { name })} icon={Trash2} onClick={() => update({ outputs: write(entries.filter(([n]) => n !== name)) })} />
        </div>
      ))}
    </section>
  );
}
