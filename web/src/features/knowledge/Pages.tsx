import { ChevronLeft, ChevronRight } from "lucide-react";
import { useTranslation } from "react-i18next";
import { IconButton } from "../../ui/Button";

/** Which page of a list is shown; nothing while one page holds all. */
export function Pages({ page, total, size, onPage }: { page: number; total: number; size: number; onPage: (page: number) => void }) {
  const { t } = useTranslation("knowledge");
  const last = Math.max(1, Math.ceil(total / size));
  if (last === 1 && page === 1) return null;
  return (
    <nav className="flex items-center gap-1" aria-label={t("pages.label")}>
      <IconButton size="sm" icon={ChevronLeft} label={t("pages.before")} disabled={page <= 1} onClick={() => onPage(page - 1)} />
      <span className="num">{t("pages.of", { page, last })}</span>
      <IconButton size="sm" icon={ChevronRight} label={t("pages.next")} disabled={page >= last} onClick={() => onPage(page + 1)} />
    </nav>
  );
}
