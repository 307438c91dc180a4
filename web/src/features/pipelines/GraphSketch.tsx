/** A graph in small: where its nodes stand and what leads where. Only to look at. */
import { useMemo } from "react";
import type { GraphView } from "../../data/pipelines";
import { NodeTile } from "../../ui/NodeTile";
import { boxesOf, linesOf, NODE, sizeOf } from "./sketch";

export function GraphSketch({ graph, label }: { graph: GraphView; label: string }) {
  const boxes = useMemo(() => boxesOf(graph), [graph]);
  const lines = useMemo(() => linesOf(graph, boxes), [graph, boxes]);
  const { width, height } = sizeOf(boxes);
  if (boxes.length === 0) return null;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to reach it
    <div className="overflow-auto rounded-md border border-line-1 bg-canvas p-4 max-h-[300px]" role="img" aria-label={label} tabIndex={0}>
      <div className="relative" style={{ width, height }}>
        <svg className="absolute inset-0" width={width} height={height} aria-hidden="true">
          {lines.map((line) => (
            <path key={line.id} d={line.path} fill="none" stroke="var(--border-2)" strokeWidth={1.5} />
          ))}
        </svg>
        {boxes.map((box) => (
          <div
            key={box.id}
            className="absolute card flex items-center gap-2 px-2 text-12"
            style={{ insetInlineStart: box.x, top: box.y, width: NODE.width, height: NODE.height }}
          >
            <NodeTile kind={box.kind} />
            <span className="truncate">{box.title}</span>
          </div>
        ))}
      </div>
    </div>
  );
}
