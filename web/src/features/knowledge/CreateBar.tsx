import { Link } from "@tanstack/react-router";
import { ChevronRight } from "lucide-react";
import { useTranslation } from "react-i18next";

/** The bar over the wizard: where it is. */
export function CreateBar() {
  const { t } = useTranslation("knowledge");
  return (
    <header className="bar">
      <nav className="flex items-center gap-1.5 text-ink-3 whitespace-nowrap min-w-0" aria-label={t("crumb.label")}>
        <Link to="/datasets" className="hover:text-ink-1">
          {t("list.title")}
        </Link>
        <ChevronRight size={12} strokeWidth={2} aria-hidden />
        <span className="text-ink-1 font-semibold truncate">{t("create.title")}</span>
      </nav>
    </header>
  );
}
