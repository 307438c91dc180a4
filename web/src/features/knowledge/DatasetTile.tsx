import { LibraryBig } from "lucide-react";
import { Tile } from "../../ui/Marks";
import type { Dataset } from "./types";

/** What a knowledge base has that never chose a sign. */
const UNCHOSEN: readonly string[] = ["📙", "📘", "📗"];

/** The sign of a knowledge base: the one that was chosen, or that of all of them. */
export function DatasetTile({ dataset, size }: { dataset: Partial<Pick<Dataset, "icon_info">>; size?: "lg" | "xs" }) {
  const icon = dataset.icon_info?.icon_type === "emoji" ? dataset.icon_info.icon : undefined;
  const emoji = icon && !UNCHOSEN.includes(icon) && !/^[\x20-\x7e]+$/.test(icon) ? icon : undefined;
  return (
    <Tile cat="knowledge" size={size}>
      {emoji ? <span>{emoji}</span> : <LibraryBig size={size === "lg" ? 16 : size === "xs" ? 12 : 14} strokeWidth={1.9} aria-hidden />}
    </Tile>
  );
}
