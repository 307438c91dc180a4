/** Lets the rest of the studio move the view: bring a node in sight, fit, zoom. */
import { useReactFlow } from "@xyflow/react";
import { type RefObject, useEffect } from "react";
import { setView } from "../store/view";
import type { FlowEdge, FlowNode } from "./flow";

function calm(): number {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 180;
}

export function useView(frame: RefObject<HTMLElement | null>): void {
  const flow = useReactFlow<FlowNode, FlowEdge>();
  useEffect(() => {
    const box = () => frame.current?.getBoundingClientRect() ?? new DOMRect();
    const fit = () => void flow.fitView({ padding: 0.15, maxZoom: 1, duration: calm() });
    setView({
      fit,
      // The library measures new sizes in the next frames.
      fitSoon: () => void setTimeout(fit, 60),
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
          const inside = corner.x > left + 16 && corner.y > top + 16 && end.x < right - 16 && end.y < bottom - 16;
          if (!inside) void flow.setCenter(x + size.width / 2, y + size.height / 2, { zoom: flow.getZoom(), duration: calm() });
        }, 60);
      },
    });
    return () => setView(undefined);
  }, [flow, frame]);
}
