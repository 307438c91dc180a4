import { X } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "../parts/controls";
import { set } from "../store/studio";

export function SideHead({ title, children }: { title: string; children?: ReactNode }) {
  const { t } = useTranslation("studio");
  return (
    <header className="st-inspector-head st-side-head">
      <strong className="st-grow">{title}</strong>
      {children}
      <IconButton label={t("common.close")} icon={X} onClick={() => set({ side: undefined })} />
    </header>
  );
}
