import { useTranslation } from "react-i18next";
import { lookOf } from "./status";
import type { DisplayStatus } from "./types";

/** The state of a document: an icon and a word. */
export function StatusBadge({ status }: { status: DisplayStatus }) {
  const { t } = useTranslation("knowledge");
  const { icon: Icon, tone, spins } = lookOf(status);
  return (
    <span className="badge" data-tone={tone}>
      <Icon size={12} strokeWidth={2} className={spins ? "spin" : undefined} aria-hidden />
      {t(`status.${status}`)}
    </span>
  );
}
