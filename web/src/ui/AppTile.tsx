/** The icon of an app: its picture, its emoji, or a sign of its kind. */
import { Bot, FileText, MessageSquare, MessagesSquare, Workflow } from "lucide-react";
import { Tile } from "./Marks";

interface Pictured {
  readonly mode: string;
  readonly icon_type?: string | null;
  readonly icon?: string | null;
  readonly icon_url?: string | null;
}

const KINDS = {
  workflow: { icon: Workflow, cat: "logic" },
  "advanced-chat": { icon: MessagesSquare, cat: "model" },
  chat: { icon: MessageSquare, cat: "flow" },
  "agent-chat": { icon: Bot, cat: "model" },
  completion: { icon: FileText, cat: "transform" },
} as const;

function kindOf(mode: string) {
  return Object.entries(KINDS).find(([key]) => key === mode)?.[1] ?? KINDS.chat;
}

/** What apps get that never chose an icon: the sign of their kind tells more. */
const UNCHOSEN = "🤖";

/** Emoji as a character; some files name them instead (`robot_face`). */
function emojiOf(icon: string | null | undefined): string | undefined {
  return icon && icon !== UNCHOSEN && !/^[\x20-\x7e]+$/.test(icon) ? icon : undefined;
}

export function AppTile({ app, size }: { app: Pictured; size?: "lg" | "xs" }) {
  const { icon: Icon, cat } = kindOf(app.mode);
  const emoji = app.icon_type === "image" || app.icon_type === "link" ? undefined : emojiOf(app.icon);
  const picture = app.icon_url ?? (app.icon_type === "link" ? app.icon : null);
  return (
    <Tile cat={cat} size={size}>
      {picture ? (
        <img src={picture} alt="" className="size-full object-cover" />
      ) : emoji ? (
        <span>{emoji}</span>
      ) : (
        <Icon size={size === "lg" ? 16 : 14} strokeWidth={1.9} aria-hidden />
      )}
    </Tile>
  );
}

export function ModeTile({ mode, size }: { mode: string; size?: "lg" | "xs" }) {
  const { icon: Icon, cat } = kindOf(mode);
  return (
    <Tile cat={cat} size={size}>
      <Icon size={size === "lg" ? 16 : 14} strokeWidth={1.9} aria-hidden />
    </Tile>
  );
}
