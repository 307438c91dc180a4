/** Tools at the lower left: add, pointer and hand, note, undo and redo, zoom, fit, tidy. */
import { useStore as useFlowStore } from "@xyflow/react";
import { Hand, ListTree, Maximize, Minus, MousePointer2, Plus, Redo2, StickyNote, Undo2, WandSparkles } from "lucide-react";
import { useTranslation } from "react-i18next";
import { addNote, openPalette, tidy } from "../store/actions";
import { redo, set, undo, useStudio } from "../store/studio";
import { getView } from "../store/view";
import { keyNames } from "./keys";

export function Dock() {
  const { t } = useTranslation("studio");
  const tool = useStudio((s) => s.tool);
  const canUndo = useStudio((s) => s.history.position > 0);
  const canRedo = useStudio((s) => s.history.position < s.history.entries.length);
  const readOnly = useStudio((s) => s.preview !== undefined);
  const treeView = useStudio((s) => s.treeView);
  const zoom = useFlowStore((s) => s.transform[2]);
  const named = (text: string, keys: string) => `${text} (${keys})`;
  return (
    <div className="st-float st-dock" role="toolbar" aria-label={t("dock.label")}>
      <button type="button" className="st-tool primary" disabled={readOnly} title={named(t("dock.add"), "N")} aria-label={t("dock.add")} onClick={(e) => openPalette({ screen: { x: e.currentTarget.getBoundingClientRect().left, y: e.currentTarget.getBoundingClientRect().top - 430 } })}>
        <Plus size={16} aria-hidden />
      </button>
      <span className="st-rule" />
      <button type="button" className="st-tool st-mouse" aria-pressed={tool === "pointer"} title={named(t("dock.pointer"), "V")} aria-label={t("dock.pointer")} onClick={() => set({ tool: "pointer" })}>
        <MousePointer2 size={16} strokeWidth={1.75} aria-hidden />
      </button>
      <button type="button" className="st-tool st-mouse" aria-pressed={tool === "hand"} title={named(t("dock.hand"), "H")} aria-label={t("dock.hand")} onClick={() => set({ tool: "hand" })}>
        <Hand size={16} strokeWidth={1.75} aria-hidden />
      </button>
      <button type="button" className="st-tool" disabled={readOnly} title={t("dock.note")} aria-label={t("dock.note")} onClick={() => addNote()}>
        <StickyNote size={16} strokeWidth={1.75} aria-hidden />
      </button>
      <button type="button" className="st-tool" aria-pressed={treeView} title={named(t("dock.tree"), keyNames.alt("L"))} aria-label={t("dock.tree")} onClick={() => set({ treeView: !treeView })}>
        <ListTree size={16} strokeWidth={1.75} aria-hidden />
      </button>
      <span className="st-rule" />
      <button type="button" className="st-tool" disabled={!canUndo || readOnly} title={named(t("dock.undo"), keyNames.mod("Z"))} aria-label={t("dock.undo")} onClick={undo}>
        <Undo2 size={16} strokeWidth={1.75} aria-hidden />
      </button>
      <button type="button" className="st-tool" disabled={!canRedo || readOnly} title={named(t("dock.redo"), keyNames.modShift("Z"))} aria-label={t("dock.redo")} onClick={redo}>
        <Redo2 size={16} strokeWidth={1.75} aria-hidden />
      </button>
      <span className="st-rule" />
      <button type="button" className="st-tool" title={t("dock.zoomOut")} aria-label={t("dock.zoomOut")} onClick={() => getView()?.zoomBy(1 / 1.2)}>
        <Minus size={16} strokeWidth={1.75} aria-hidden />
      </button>
      <button type="button" className="st-zoom" title={named(t("dock.zoomFull"), "⇧1")} aria-label={t("dock.zoomFullNow", { percent: Math.round(zoom * 100) })} onClick={() => getView()?.zoomTo(1)}>
        {Math.round(zoom * 100)} %
      </button>
      <button type="button" className="st-tool" title={t("dock.zoomIn")} aria-label={t("dock.zoomIn")} onClick={() => getView()?.zoomBy(1.2)}>
        <Plus size={16} strokeWidth={1.75} aria-hidden />
      </button>
      <button type="button" className="st-tool" title={named(t("dock.fit"), keyNames.mod("1"))} aria-label={t("dock.fit")} onClick={() => getView()?.fit()}>
        <Maximize size={16} strokeWidth={1.75} aria-hidden />
      </button>
      <button type="button" className="st-tool" disabled={readOnly} title={named(t("dock.tidy"), keyNames.mod("O"))} aria-label={t("dock.tidy")} onClick={() => tidy((id) => getView()?.sizeOf(id))}>
        <WandSparkles size={16} strokeWidth={1.75} aria-hidden />
      </button>
    </div>
  );
}
