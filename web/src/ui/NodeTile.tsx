/** The coloured tile of a node kind, light enough for pages without the canvas. */
import { nodeLook } from "./nodeLooks";

export function NodeTile({ kind, large }: { kind: string; large?: boolean }) {
  const { icon: Icon, category } = nodeLook(kind);
  return (
    <span className="tile" data-size={large ? undefined : "xs"} data-cat={category} aria-hidden>
      <Icon size={large ? 14 : 12} strokeWidth={large ? 1.9 : 2} />
    </span>
  );
}
