/**
 * The canvas. The library holds the drawn nodes itself; we tell it about changes of the document and
 * hear about the end of a drag, so nothing of React runs while a person pans or drags.
 */
import { Background, BackgroundVariant, type EdgeTypes, MiniMap, type NodeTypes, ReactFlow, ReactFlowProvider, SelectionMode } from "@xyflow/react";
import "@xyflow/react/dist/style.css";
import { useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useMedia, useNarrow } from "../../lib/media";
import { kindOf } from "../nodes/registry";
import { useStudio } from "../store/studio";
import { ConnectList } from "./ConnectList";
import { Dock } from "./Dock";
import { EdgeLine } from "./EdgeLine";
import { type FlowEdge, type FlowNode, toFlowEdges, toFlowNodes } from "./flow";
import { Hello } from "./Hello";
import { InnerStart, NodeFrame } from "./NodeFrame";
import { NoteCard } from "./NoteCard";
import { Palette } from "./Palette";
import { RunPill } from "./RunPill";
import { TreeView } from "./TreeView";
import { useCanvasKeys } from "./useCanvasKeys";
import { useFlowEvents } from "./useFlowEvents";
import { useFlowSync } from "./useFlowSync";
import { useView } from "./useView";

const nodeTypes: NodeTypes = { node: NodeFrame, box: NodeFrame, inner: InnerStart, note: NoteCard };
const edgeTypes: EdgeTypes = { edge: EdgeLine };
/** The map shows kinds by the colour of their category; frames and notes are pale. */
function mapColour({ type, data }: FlowNode): string {
  const strength = type === "box" ? 22 : type === "note" ? 0 : type === "inner" ? 0 : 60;
  const category = type === "note" ? "flow" : kindOf(data.node.data.type).category;
  return `color-mix(in srgb, var(--cat-${category}) ${strength}%, var(--surface-4))`;
}

const NONE: ReadonlySet<string> = new Set();
const PAN_WITH_MIDDLE = [1];
const MULTI = ["Meta", "Control"];

export function Canvas() {
  return (
    <ReactFlowProvider>
      <Flow />
    </ReactFlowProvider>
  );
}

function initial(): { nodes: FlowNode[]; edges: FlowEdge[] } {
  const { document, preview } = useStudio.getState();
  const drawn = preview?.document ?? document;
  return { nodes: toFlowNodes(drawn, [], NONE), edges: toFlowEdges(drawn, [], NONE) };
}

function Flow() {
  const { t } = useTranslation("studio");
  const frame = useRef<HTMLElement>(null);
  const first = useRef<ReturnType<typeof initial>>(undefined);
  first.current ??= initial();
  const tool = useStudio((s) => s.tool);
  const readOnly = useStudio((s) => s.preview !== undefined);
  // A finger has no middle button and no wheel: it moves the view; on a phone nodes stay where they are.
  const touch = useMedia("(pointer: coarse)");
  const phone = useNarrow();
  const viewport = useRef(useStudio.getState().viewport);
  const events = useFlowEvents();
  useFlowSync();
  useView(frame);
  useCanvasKeys(frame);
  const treeView = useStudio((s) => s.treeView);
  const words = useMemo(() => ({ "node.a11yDescription.default": t("canvas.nodeHelp"), "node.a11yDescription.keyboardDisabled": t("canvas.nodeHelp"), "edge.a11yDescription.default": t("canvas.edgeHelp") }), [t]);
  return (
    <section className="st-canvas" ref={frame} data-tool={tool} aria-label={t("canvas.label")}>
      <ReactFlow<FlowNode, FlowEdge>
        defaultNodes={first.current.nodes}
        defaultEdges={first.current.edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        defaultViewport={viewport.current}
        minZoom={0.25}
        maxZoom={2}
        role="application"
        aria-label={t("canvas.help")}
        ariaLabelConfig={words}
        disableKeyboardA11y
        deleteKeyCode={null}
        selectionKeyCode={null}
        multiSelectionKeyCode={MULTI}
        panActivationKeyCode="Space"
        connectOnClick={false}
        nodesDraggable={!readOnly && !phone}
        nodesConnectable={!readOnly}
        panOnScroll={tool === "pointer"}
        panOnDrag={tool === "hand" || touch || phone ? true : PAN_WITH_MIDDLE}
        selectionOnDrag={tool === "pointer" && !touch && !phone}
        selectionMode={SelectionMode.Partial}
        connectionRadius={28}
        nodeDragThreshold={3}
        zoomOnDoubleClick={false}
        proOptions={{ hideAttribution: true }}
        {...events}
      >
        <Background variant={BackgroundVariant.Dots} gap={20} size={1.6} color="var(--canvas-dot)" />
        <div className="st-float st-map">
          <MiniMap
            pannable
            zoomable
            ariaLabel={t("canvas.map")}
            style={{ width: 116, height: 64 }}
            nodeColor={mapColour}
            nodeStrokeColor="transparent"
            maskColor="color-mix(in srgb, var(--bg-canvas) 55%, transparent)"
            nodeBorderRadius={6}
          />
        </div>
      </ReactFlow>
      <Hello />
      <RunPill />
      <Dock />
      <Palette />
      <ConnectList />
      {treeView ? <TreeView /> : null}
    </section>
  );
}
