import { useTranslation } from "react-i18next";
import { Dialog } from "../../ui/Dialog";
import { ShortcutList } from "../../ui/ShortcutList";
import { openShortcuts } from "./state";

export function Shortcuts() {
  const { t } = useTranslation();
  return (
    <Dialog open size="lg" title={t("shortcuts.title")} about={t("shortcuts.note")} closeLabel={t("common.close")} onClose={() => openShortcuts(false)}>
      <ShortcutList />
    </Dialog>
  );
}
