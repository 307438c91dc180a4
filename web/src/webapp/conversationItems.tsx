/** What can be done with a conversation. */
import type { Chat } from "./chat";
import { Pencil, Pin, PinOff, Trash2 } from "./icons";
import type { MenuItem } from "./Menu";
import type { Conversation } from "./wire";
import type { Say } from "./words";

export type Asking = { readonly kind: "rename" | "delete"; readonly conversation: Conversation } | { readonly kind: "about" } | null;

export function conversationItems(say: Say, chat: Chat, conversation: Conversation, isPinned: boolean, onAsk: (asking: Asking) => void): MenuItem[] {
  return [
    { key: "rename", label: say("list.rename"), icon: <Pencil size={16} />, act: () => onAsk({ kind: "rename", conversation }) },
    {
      key: "pin",
      label: say(isPinned ? "list.unpin" : "list.pin"),
      icon: isPinned ? <PinOff size={16} /> : <Pin size={16} />,
      act: () => void chat.pin(conversation.id, !isPinned),
    },
    { key: "delete", label: say("list.delete"), icon: <Trash2 size={16} />, danger: true, act: () => onAsk({ kind: "delete", conversation }) },
  ];
}
