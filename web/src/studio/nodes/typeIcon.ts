/** One icon per variable type. */
import { Braces, Brackets, Hash, KeyRound, List, type LucideIcon, Paperclip, ToggleLeft, Type, Variable } from "lucide-react";

const ICONS: Readonly<Record<string, LucideIcon>> = {
  string: Type,
  "text-input": Type,
  paragraph: Type,
  number: Hash,
  integer: Hash,
  float: Hash,
  boolean: ToggleLeft,
  checkbox: ToggleLeft,
  select: List,
  object: Braces,
  json_object: Braces,
  secret: KeyRound,
  file: Paperclip,
  "file-list": Paperclip,
  "array[file]": Paperclip,
};

export function typeIcon(type: string): LucideIcon {
  return ICONS[type] ?? (type.startsWith("array") ? Brackets : Variable);
}
