/** The mark of where a tool comes from: its picture, its emoji, or a wrench. */
import { Wrench } from "lucide-react";
import { useState } from "react";
import { Tile } from "./Marks";

interface Props {
  readonly icon: string | { readonly content: string; readonly background?: string | null } | null | undefined;
  readonly size?: "xs" | "lg";
}

const ADDRESS = /^(https?:|data:image\/|\/)/;

export function ToolTile({ icon, size }: Props) {
  const [broken, setBroken] = useState(false);
  const text = typeof icon === "string" ? icon : (icon?.content ?? "");
  return (
    <Tile cat="connect" size={size}>
      {ADDRESS.test(text) && !broken ? (
        <img src={text} alt="" className="size-full object-cover" onError={() => setBroken(true)} />
      ) : text && !/^[\x20-\x7e]+$/.test(text) ? (
        <span>{text}</span>
      ) : (
        <Wrench size={size === "lg" ? 16 : 14} strokeWidth={1.9} aria-hidden />
      )}
    </Tile>
  );
}
