import { Plus, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { CodeEditor } from "../editors/CodeEditor";
import { type CodeData, CODE_TYPES } from "../nodes/code";
import type { PanelProps } from "../nodes/kind";
import { freeName, NAME } from "../nodes/schema";
import { Button, IconButton, SelectField, TextField, Wrong } from "../parts/controls";
import { renameVariable, settingsChanges } from "../store/actions";
import { NamedInputs } from "./NamedInputs";

export function CodePanel({ id, data, update }: PanelProps<CodeData>) {
  const { t } = useTranslation("studio");
  const other = data.code_language !== "javascript";
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
          <span className="st-meta">{other ? data.code_language : "JavaScript"}</span>
        </div>
        {other ? (
          <>
            <Wrong>{t("code.otherLanguage", { language: data.code_language })}</Wrong>
            <Button size="sm" onClick={() => update({ code_language: "javascript" })}>
              {t("code.useJavaScript")}
            </Button>
          </>
        ) : null}
        <div className="st-box">
          <CodeEditor label={t("code.code")} language={other ? "text" : "javascript"} value={data.code} onChange={(code) => update({ code })} />
        </div>
        <span className="st-hint">{t("code.hint")}</span>
      </section>
      <CodeOutputs id={id} data={data} update={update} />
    </>
  );
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
