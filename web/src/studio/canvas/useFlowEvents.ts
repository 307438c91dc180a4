/** What the mouse does on the canvas. */
import { type OnConnect, type OnConnectEnd, type OnMoveEnd, type OnNodeDrag, type OnNodesChange, type OnEdgesChange, type NodeChange, type EdgeChange, type IsValidConnection, type NodeMouseHandler, useReactFlow } from "@xyflow/react";
import { type DragEvent, useMemo } from "react";
import { containerOf, isNote } from "../model/document";
import { kindOf } from "../nodes/registry";
import { addNode, canConnect, closeInspector, closePalette, connect, inspect, move, openPalette, select } from "../store/actions";
import { set, useStudio } from "../store/studio";
import { newNodeFromDrag } from "./drag";
import { type FlowEdge, type FlowNode, NODE_WIDTH } from "./flow";

/** The selection after what the library says a person did; undefined if that was nothing of the kind. */
function selected(before: ReadonlySet<string>, changes: readonly (NodeChange<FlowNode> | EdgeChange<FlowEdge>)[]): ReadonlySet<string> | undefined {
  const after = new Set(before);
  for (const change of changes) {
    if (change.type !== "select") continue;
    if (change.selected) after.add(change.id);
    else after.delete(change.id);
  }
  const same = after.size === before.size && [...after].every((id) => before.has(id));
  return same ? undefined : after;
}

export function useFlowEvents() {
  const { screenToFlowPosition } = useReactFlow<FlowNode, FlowEdge>();
  return useMemo(() => {
    const onConnect: OnConnect = ({ source, target, sourceHandle }) => {
      connect({ source, target, sourceHandle: sourceHandle ?? "source" });
    };
    const isValidConnection: IsValidConnection<FlowEdge> = ({ source, target, sourceHandle }) =>
      canConnect({ source, target, sourceHandle: sourceHandle ?? "source" });
    const onConnectEnd: OnConnectEnd = (event, connection) => {
      const from = connection.fromHandle;
      const onPane = event.target instanceof Element && event.target.classList.contains("react-flow__pane");
      if (connection.toNode || !from || from.type !== "source" || !onPane) return;
      const point = "clientX" in event ? event : event.changedTouches[0];
      if (!point) return;
      const screen = { x: point.clientX, y: point.clientY };
      const place = screenToFlowPosition(screen);
      openPalette({ screen, place: { x: place.x, y: place.y - 20 }, from: { source: from.nodeId, sourceHandle: from.id ?? "source" } });
    };
    const onNodeDragStop: OnNodeDrag<FlowNode> = (_, __, nodes) => {
      move(new Map(nodes.map((n) => [n.id, { x: Math.round(n.position.x), y: Math.round(n.position.y) }])));
    };
    const onNodesChange: OnNodesChange<FlowNode> = (changes) => {
      const selection = selected(useStudio.getState().selection, changes);
      if (selection) set({ selection, ...(selection.size > 1 ? { inspecting: undefined } : {}) });
    };
    const onEdgesChange: OnEdgesChange<FlowEdge> = (changes) => {
      const selectedEdges = selected(useStudio.getState().selectedEdges, changes);
      if (selectedEdges) set({ selectedEdges });
    };
    const onNodeClick: NodeMouseHandler<FlowNode> = (event, node) => {
      closePalette();
      if (event.metaKey || event.ctrlKey) return;
      if (isNote(node.data.node)) {
        closeInspector();
        select([node.id]);
      } else inspect(kindOf(node.data.node.data.type).frame ? (containerOf(node.data.node) ?? node.id) : node.id);
    };
    const onPaneClick = () => {
      closePalette();
      set({ inspecting: undefined, connecting: undefined, selection: new Set(), selectedEdges: new Set() });
    };
    const onMoveEnd: OnMoveEnd = (_, viewport) => set({ viewport });
    const onPaneContextMenu = (event: { preventDefault: () => void; clientX: number; clientY: number }) => {
      event.preventDefault();
      const screen = { x: event.clientX, y: event.clientY };
      openPalette({ screen, place: screenToFlowPosition(screen) });
    };
    const onDragOver = (event: DragEvent) => {
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
    };
    const onDrop = (event: DragEvent) => {
      const wanted = newNodeFromDrag(event.dataTransfer);
      if (!wanted) return;
      event.preventDefault();
      const at = screenToFlowPosition({ x: event.clientX, y: event.clientY });
      addNode(wanted, { screen: { x: 0, y: 0 }, place: { x: Math.round(at.x - NODE_WIDTH / 2), y: Math.round(at.y - 20) } });
    };
    return { onConnect, isValidConnection, onConnectEnd, onNodeDragStop, onNodesChange, onEdgesChange, onNodeClick, onPaneClick, onMoveEnd, onPaneContextMenu, onDragOver, onDrop };
  }, [screenToFlowPosition]);
}
