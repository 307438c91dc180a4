/** An app in its place in the console: its page in a frame, with the member's own identity. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ChevronDown, ChevronRight, Compass } from "lucide-react";
import { useTranslation } from "react-i18next";
import { installedApps } from "../../data/explore";
import { errorDetails, messageOf } from "../../lib/http";
import { AppTile } from "../../ui/AppTile";
import { Menu } from "../../ui/Menu";
import { Empty, Failed } from "../../ui/States";

/** Those in the switcher; the others are in the list. */
const SHOWN = 12;

export function InstalledAppPage({ id }: { id: string }) {
  const { t, i18n } = useTranslation("explore");
  const { t: c } = useTranslation();
  const navigate = useNavigate();
  const list = useQuery(installedApps);
  const installed = list.data?.find((known) => known.id === id);
  if (list.error) {
    return (
      <div className="p-6">
        <Failed
          title={t("failed")}
          text={messageOf(list.error)}
          retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
          details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
        />
      </div>
    );
  }
  if (list.isPending) return <div className="flex-1" aria-busy="true" />;
  if (!installed) {
    return (
      <div className="p-6">
        <Empty icon={Compass} title={t("gone")} text={t("goneText")}>
          <Link to="/explore" className="btn" data-kind="primary">
            {t("back")}
          </Link>
        </Empty>
      </div>
    );
  }
  return (
    <>
      <header className="bar">
        <nav className="flex items-center gap-1.5 text-ink-3 whitespace-nowrap min-w-0" aria-label={t("switch")}>
          <Link to="/explore" className="hover:text-ink-1">
            {t("title")}
          </Link>
          <ChevronRight size={12} strokeWidth={2} aria-hidden />
          <Menu
            align="start"
            entries={(list.data ?? []).slice(0, SHOWN).map((other) => ({
              key: other.id,
              label: other.app.name,
              checked: other.id === id,
              onSelect: () => void navigate({ to: "/explore/installed/$installedId", params: { installedId: other.id } }),
            }))}
            trigger={
              <button type="button" className="btn min-w-0" data-kind="quiet" style={{ padding: "0 6px", color: "var(--text-1)", flex: "0 1 auto" }}>
                <AppTile app={installed.app} size="xs" />
                <span className="font-semibold truncate" style={{ maxWidth: 260, lineHeight: "18px" }}>
                  {installed.app.name}
                </span>
                <ChevronDown size={14} strokeWidth={1.9} className="text-ink-3" aria-hidden />
              </button>
            }
          />
        </nav>
      </header>
      <iframe
        key={`${id}-${i18n.language}`}
        src={`/installed/${id}?locale=${i18n.language}`}
        title={installed.app.name}
        className="flex-1 w-full border-0 min-h-0"
        allow="microphone; clipboard-write"
      />
    </>
  );
}
