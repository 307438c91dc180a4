import { Copy, Download, FolderOpen, Pencil, Pin, PinOff, Tag as TagIcon, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { AppItem } from "../../data/apps";
import { usePins } from "../../data/explore";
import type { MenuEntry } from "../../ui/Menu";

export type RowAction = (what: "open" | "rename" | "copy" | "delete" | "export" | "tags", app: AppItem) => void;

/** What can be done with one app, for its row and its card. */
export function useAppMenu(app: AppItem, edit: boolean, onAction: RowAction): MenuEntry[] {
  const { t } = useTranslation("apps");
  const open: MenuEntry = { key: "open", label: t("menu.open"), icon: FolderOpen, onSelect: () => onAction("open", app) };
  const pins = usePins();
  const pinned = pins.of(app.id);
  const pin: MenuEntry[] =
    pinned === undefined
      ? []
      : [{ key: "pin", label: t(pinned ? "menu.unpin" : "menu.pin"), icon: pinned ? PinOff : Pin, keys: "P", onSelect: () => pins.toggle(app.id) }];
  if (!edit) return [open, ...pin];
  return [
    open,
    ...pin,
    { key: "rename", label: t("menu.rename"), icon: Pencil, keys: "E", onSelect: () => onAction("rename", app) },
    { key: "tags", label: t("menu.tags"), icon: TagIcon, onSelect: () => onAction("tags", app) },
    { key: "copy", label: t("menu.copy"), icon: Copy, keys: "D", onSelect: () => onAction("copy", app) },
    { key: "export", label: t("menu.export"), icon: Download, onSelect: () => onAction("export", app) },
    { key: "line", line: true },
    { key: "delete", label: t("menu.delete"), icon: Trash2, tone: "bad", onSelect: () => onAction("delete", app) },
  ];
}
