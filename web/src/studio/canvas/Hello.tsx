/** What an empty canvas says. */
import { Play, Plus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button } from "../parts/controls";
import { addNode, openPalette } from "../store/actions";
import { useStudio } from "../store/studio";

export function Hello() {
  const { t } = useTranslation("studio");
  const empty = useStudio((s) => s.loaded && s.document.nodes.size === 0 && s.preview === undefined);
  const pipeline = useStudio((s) => s.mode === "rag-pipeline");
  if (!empty) return null;
  const first = pipeline ? "datasource" : "start";
  return (
    <div className="st-hello st-float st-empty">
      <span className="st-tile lg st-cat-flow">
        <Play size={14} aria-hidden />
      </span>
      <strong>{t("hello.title")}</strong>
      <span>{t(pipeline ? "hello.pipelineText" : "hello.text")}</span>
      <div className="st-row">
        <Button look="primary" icon={Play} onClick={() => addNode({ type: first, title: t(`kinds.${first}.name`), model: undefined }, undefined)}>
          {t(pipeline ? "hello.source" : "hello.start")}
        </Button>
        <Button icon={Plus} onClick={(e) => openPalette({ screen: { x: e.clientX, y: e.clientY } })}>
          {t("hello.other")}
        </Button>
      </div>
    </div>
  );
}
