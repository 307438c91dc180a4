/** The templates below the apps of Explore, for those who may make apps. */
import { useTranslation } from "react-i18next";
import { useRights } from "../../data/session";
import { TemplateGallery } from "./TemplateGallery";

export function TemplateSection({ onOpen }: { onOpen: (appId: string) => void }) {
  const { t } = useTranslation("templates");
  const rights = useRights();
  if (!rights.edit) return null;
  return (
    <section className="px-7 max-md:px-4 pt-3 pb-7 flex flex-col gap-3" aria-label={t("section")}>
      <div>
        <h2 className="text-16 font-semibold">{t("section")}</h2>
        <p className="text-ink-2">{t("about")}</p>
      </div>
      <TemplateGallery onOpen={onOpen} />
    </section>
  );
}
