/** The coloured tile of a node kind, light enough for pages without the canvas. */
import { nodeLook } from "./nodeLooks";

export function NodeTile({ kind }: { kind: string }) {
  const { icon: Icon, category } = nodeLook(kind);
  return (
    <span className="tile" data-size="xs" data-cat={category} aria-hidden>
      <Icon size={12} strokeWidth={2} />
    </span>
  );
}
