/** A kind this version cannot run: its settings are kept as they are and shown to read. */
import { useTranslation } from "react-i18next";
import type { NodeData } from "../model/document";
import type { PanelProps } from "../nodes/kind";
import { Wrong } from "../parts/controls";

const FRAME_KEYS = new Set(["type", "title", "desc", "selected"]);

export function LaterPanel({ data }: PanelProps<NodeData>) {
  const { t } = useTranslation("studio");
  const settings = Object.fromEntries(Object.entries(data).filter(([key, value]) => !FRAME_KEYS.has(key) && value !== undefined));
  return (
    <section className="st-section">
      <Wrong>{t("later.text", { kind: data.type, why: t(`later.why.${data.type}`, { defaultValue: t("later.why.unknown") }) })}</Wrong>
      <span className="st-hint">{t("later.kept")}</span>
      <span className="st-label">{t("later.settings")}</span>
      <pre className="st-code">
        {JSON.stringify(settings, null, 2)}
      </pre>
    </section>
  );
}
