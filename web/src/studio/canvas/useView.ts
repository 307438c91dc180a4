/** Lets the rest of the studio move the view: bring a node in sight, fit, zoom. */
import { useReactFlow } from "@xyflow/react";
import { type RefObject, useEffect } from "react";
import { setView } from "../store/view";
import type { FlowEdge, FlowNode } from "./flow";

function calm(): number {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 180;
}

const MARGIN = 24;
const PHONE = 600;
const READABLE = 0.6;

/** How far a span must move to lie inside another; its beginning wins when it is too long. */
function shift(from: number, to: number, min: number, max: number): number {
  if (from < min) return min - from;
  return to > max ? Math.max(max - to, min - from) : 0;
}

/** On a phone a graph is read from its beginning: as much of it as can be read at once. */
function begin(flow: ReturnType<typeof useReactFlow<FlowNode, FlowEdge>>, width: number, height: number): void {
  const graph = flow.getNodesBounds(flow.getNodes());
  const place = { width: width - 2 * MARGIN, height: height - 8 * MARGIN };
  const zoom = Math.max(READABLE, Math.min(1, place.width / graph.width, place.height / graph.height));
  const x = MARGIN + Math.max(0, (place.width - graph.width * zoom) / 2) - graph.x * zoom;
  const y = 3 * MARGIN + Math.max(0, (place.height - graph.height * zoom) / 2) - graph.y * zoom;
  if (graph.width > 0) void flow.setViewport({ x, y, zoom });
}

export function useView(frame: RefObject<HTMLElement | null>): void {
  const flow = useReactFlow<FlowNode, FlowEdge>();
  useEffect(() => {
    // On narrow screens the inspector lies over the canvas.
    const box = () => {
      const area = frame.current?.getBoundingClientRect() ?? new DOMRect();
      const panel = frame.current?.parentElement?.querySelector(".st-inspector")?.getBoundingClientRect();
      const right = panel ? Math.min(area.right, panel.left) : area.right;
      return new DOMRect(area.left, area.top, right - area.left, area.height);
    };
    const fitAll = () => void flow.fitView({ padding: 0.15, maxZoom: 1, duration: calm() });
    setView({
      fit: fitAll,
      // The library measures new sizes in the next frames.
      fitSoon: () => void setTimeout(fitAll, 60),
      centre: () => {
        const { left, top, width, height } = box();
        return flow.screenToFlowPosition({ x: left + width / 2 - 94, y: top + height / 2 - 40 });
      },
      zoomTo: (zoom) => void flow.zoomTo(zoom, { duration: calm() }),
      zoomBy: (factor) => void flow.zoomTo(flow.getZoom() * factor, { duration: calm() }),
      sizeOf: (id) => {
        const { width, height } = flow.getInternalNode(id)?.measured ?? {};
        return width && height ? { width, height } : undefined;
      },
      toScreen: (point) => flow.flowToScreenPosition(point),
      focus: (id) => frame.current?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`)?.focus({ preventScroll: true }),
      reveal: (id) => {
        setTimeout(() => {
          const node = flow.getInternalNode(id);
          if (!node) return;
          const { x, y } = node.internals.positionAbsolute;
          const size = { width: node.measured.width ?? 188, height: node.measured.height ?? 90 };
          const corner = flow.flowToScreenPosition({ x, y });
          const end = flow.flowToScreenPosition({ x: x + size.width, y: y + size.height });
          const { left, top, right, bottom } = box();
          // No further than needed: the person keeps their place.
          const dx = shift(corner.x, end.x, left + MARGIN, right - MARGIN);
          const dy = shift(corner.y, end.y, top + MARGIN, bottom - MARGIN);
          const view = flow.getViewport();
          if (dx !== 0 || dy !== 0) void flow.setViewport({ ...view, x: view.x + dx, y: view.y + dy }, { duration: calm() });
        }, 60);
      },
    });
    // A view that was kept on another screen may show nothing of the graph on this one, or cut off what would fit.
    const first = setTimeout(() => {
      const { left, right, top, bottom, width, height } = box();
      const nodes = flow.getNodes();
      const places = nodes.map((node) => {
        const { x, y } = flow.flowToScreenPosition(flow.getInternalNode(node.id)?.internals.positionAbsolute ?? node.position);
        return new DOMRect(x, y, (node.measured?.width ?? 0) * flow.getZoom(), (node.measured?.height ?? 0) * flow.getZoom());
      });
      const seen = places.some((at) => at.left < right - MARGIN && at.right > left + MARGIN && at.top < bottom - MARGIN && at.bottom > top + MARGIN);
      const whole = places.every((at) => at.left >= left && at.right <= right && at.top >= top && at.bottom <= bottom);
      const graph = flow.getNodesBounds(nodes);
      const readable = Math.min(width / graph.width, height / graph.height) * 0.85 >= READABLE;
      if (width < PHONE) begin(flow, width, bottom - top);
      else if (nodes.length > 0 && (!seen || (!whole && readable))) fitAll();
    }, 80);
    return () => {
      clearTimeout(first);
      setView(undefined);
    };
  }, [flow, frame]);
}
