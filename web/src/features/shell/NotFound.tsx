import { Link } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Empty } from "../../ui/States";

export function NotFound() {
  const { t } = useTranslation();
  return (
    <main className="max-w-[560px] mx-auto pt-[14vh] px-6">
      <Empty icon={Compass} title={t("notFound.title")} text={t("notFound.text")}>
        <Link to="/apps" className="btn" data-kind="primary">
          {t("notFound.home")}
        </Link>
      </Empty>
    </main>
  );
}
