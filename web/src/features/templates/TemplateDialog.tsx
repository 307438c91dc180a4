/** The templates over the list of apps. */
import { useTranslation } from "react-i18next";
import { Dialog } from "../../ui/Dialog";
import { TemplateGallery } from "./TemplateGallery";

export function TemplateDialog({ onClose, onOpen }: { onClose: () => void; onOpen: (appId: string) => void }) {
  const { t } = useTranslation("templates");
  const { t: c } = useTranslation();
  return (
    <Dialog open size="lg" title={t("title")} about={t("about")} closeLabel={c("common.close")} onClose={onClose}>
      <TemplateGallery onOpen={onOpen} />
    </Dialog>
  );
}
