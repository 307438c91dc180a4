import { useTranslation } from "react-i18next";
import { CodeEditor } from "../editors/CodeEditor";
import type { PanelProps } from "../nodes/kind";
import type { TemplateData } from "../nodes/template-transform";
import { NamedInputs } from "./NamedInputs";

export function TemplatePanel({ id, data, update }: PanelProps<TemplateData>) {
  const { t } = useTranslation("studio");
  return (
    <>
      <NamedInputs
        node={id}
        title={t("template.inputs")}
        hint={t("template.inputsHint")}
        base="arg"
        rows={data.variables}
        add={(variable) => ({ variable, value_selector: [] })}
        onChange={(variables) => update({ variables })}
      />
      <section className="st-section">
        <div className="st-between">
          <span className="st-label">{t("template.template")}</span>
          <span className="st-meta">Jinja2</span>
        </div>
        <div className="st-box">
          <CodeEditor label={t("template.template")} language="jinja" value={data.template} onChange={(template) => update({ template })} />
        </div>
        <span className="st-hint">{t("template.hint", { example: "{{ name }}" })}</span>
      </section>
    </>
  );
}
