/** An edge: its state in the run, and + and × while the pointer is on it. */
import { EdgeLabelRenderer, type EdgeProps, getBezierPath } from "@xyflow/react";
import { Plus, X } from "lucide-react";
import { memo, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { edgeState } from "../model/run";
import { kindOf, portTaken } from "../nodes/registry";
import { openPalette, removeEdges } from "../store/actions";
import { type StudioState, shown, useStudio } from "../store/studio";
import type { FlowEdge } from "./flow";

const LEAVE_MS = 160;
/** The library ends an edge at the border of a port's target; the dot is in its middle. */
const PORT_RADIUS = 12;

function stateOf(state: StudioState, source: string, target: string, sourceHandle: string) {
  if (state.run.status === "idle") return "idle";
  const from = shown(state).nodes.get(source);
  const span = state.run.latest.get(source);
  // The start inside a container is no node of the run: its edge is as far as what it leads to.
  if (!span && from && kindOf(from.data.type).frame) {
    const to = state.run.latest.get(target);
    if (to) return to.status === "running" ? "moving" : "done";
  }
  return edgeState(state.run, { source, target, sourceHandle }, span ? portTaken(from, span) : undefined);
}

export const EdgeLine = memo(function EdgeLine(props: EdgeProps<FlowEdge>) {
  const { id, source, target, sourceHandleId, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, selected } = props;
  const look = useStudio((s) => stateOf(s, source, target, sourceHandleId ?? "source"));
  const { over, enter, leave } = useHover();
  const [path, x, y] = getBezierPath({ sourceX: sourceX - PORT_RADIUS, sourceY, targetX: targetX + PORT_RADIUS, targetY, sourcePosition, targetPosition, curvature: 0.3 });
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the pointer only reveals buttons that the keyboard reaches otherwise
    <g onMouseEnter={enter} onMouseLeave={leave}>
      <path className="st-edge" d={path} data-state={look} data-selected={Boolean(selected) || over} />
      <path d={path} fill="none" strokeOpacity={0} strokeWidth={20} className="react-flow__edge-interaction" />
      {over || selected ? <Tools id={id} x={x} y={y} enter={enter} leave={leave} /> : null}
    </g>
  );
});

function Tools({ id, x, y, enter, leave }: { id: string; x: number; y: number; enter: () => void; leave: () => void }) {
  const { t } = useTranslation("studio");
  const readOnly = useStudio((s) => s.preview !== undefined);
  if (readOnly) return null;
  return (
    <EdgeLabelRenderer>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: keeps the buttons while the pointer is on them */}
      <div
        className="st-edge-tools nodrag nopan"
        style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)`, zIndex: 1003 }}
        onMouseEnter={enter}
        onMouseLeave={leave}
      >
        <button
          type="button"
          aria-label={t("edge.insert")}
          title={t("edge.insert")}
          onClick={(e) => openPalette({ screen: { x: e.clientX + 8, y: e.clientY - 16 }, edge: id, place: { x: x - 94, y: y - 20 } })}
        >
          <Plus size={13} strokeWidth={2} aria-hidden />
        </button>
        <button type="button" aria-label={t("edge.remove")} title={t("edge.remove")} onClick={() => removeEdges([id])}>
          <X size={13} strokeWidth={2} aria-hidden />
        </button>
      </div>
    </EdgeLabelRenderer>
  );
}

function useHover() {
  const [over, setOver] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const enter = () => {
    clearTimeout(timer.current);
    setOver(true);
  };
  const leave = () => {
    timer.current = setTimeout(() => setOver(false), LEAVE_MS);
  };
  return { over, enter, leave };
}
