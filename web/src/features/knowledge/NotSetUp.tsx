/** A source that nobody has set up yet, and where that is done. */
import { Link } from "@tanstack/react-router";
import type { LucideIcon } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Empty } from "../../ui/States";

export function NotSetUp({ icon, title, text }: { icon: LucideIcon; title: string; text: string }) {
  const { t } = useTranslation("knowledge");
  return (
    <Empty icon={icon} cat="knowledge" title={title} text={text}>
      <Link to="/settings/sources" className="btn" data-kind="primary">
        {t("source.setUp")}
      </Link>
    </Empty>
  );
}
