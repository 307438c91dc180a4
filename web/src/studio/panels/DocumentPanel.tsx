/** Text out of files. */
import { useTranslation } from "react-i18next";
import { VariableField } from "../editors/VariableField";
import type { DocumentData } from "../nodes/document-extractor";
import type { PanelProps } from "../nodes/kind";

const FILES = ["file", "array[file]"];

export function DocumentPanel({ id, data, update }: PanelProps<DocumentData>) {
  const { t } = useTranslation("studio");
  return (
    <section className="st-section">
      <span className="st-label">{t("document.input")}</span>
      <VariableField node={id} label={t("document.input")} types={FILES} value={data.variable_selector} onChange={(variable_selector, type) => update({ variable_selector, is_array_file: type === "array[file]" })} />
      <span className="st-hint">{t(data.is_array_file ? "document.hintMany" : "document.hint")}</span>
      <span className="st-hint">{t("document.formats")}</span>
    </section>
  );
}
