/** The bar of an app: where it is, its parts, and what the open part puts at the right. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ChevronDown, ChevronRight } from "lucide-react";
import { type ReactNode, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { type AppDetail, allApps, isGraph } from "../../data/apps";
import { useRights } from "../../data/session";
import { useKeys } from "../../lib/keys";
import { AppTile } from "../../ui/AppTile";
import { BarSlot } from "../../ui/BarEnd";
import { Menu } from "../../ui/Menu";

export function AppFrame({ app, children }: { app: AppDetail; children: ReactNode }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const rights = useRights();
  const others = useQuery(allApps).data?.data ?? [];
  const params = { appId: app.id };
  const tabs = [
    ...(rights.edit ? [{ key: "build", to: isGraph(app.mode) ? ("/app/$appId/workflow" as const) : ("/app/$appId/configuration" as const) }] : []),
    ...(rights.edit ? [{ key: "logs", to: "/app/$appId/logs" as const }] : []),
    ...(rights.edit && app.mode !== "workflow" ? [{ key: "annotations", to: "/app/$appId/annotations" as const }] : []),
    { key: "monitor", to: "/app/$appId/monitor" as const },
    ...(rights.edit ? [{ key: "api", to: "/app/$appId/develop" as const }] : []),
    { key: "publish", to: "/app/$appId/overview" as const },
  ];
  useKeys(Object.fromEntries(tabs.map((tab, i) => [`alt+${i + 1}`, () => void navigate({ to: tab.to, params })])));
  return (
    <>
      <header className="bar">
        <nav className="flex items-center gap-1.5 text-ink-3 whitespace-nowrap min-w-0" aria-label={t("crumb.switch")}>
          <Link to="/apps" className="crumb-root hover:text-ink-1">
            {t("crumb.apps")}
          </Link>
          <ChevronRight size={12} strokeWidth={2} className="crumb-root" aria-hidden />
          <Menu
            align="start"
            entries={[
              ...others.slice(0, 12).map((other) => ({
                key: other.id,
                label: other.name,
                checked: other.id === app.id,
                onSelect: () => void navigate({ to: "/app/$appId", params: { appId: other.id } }),
              })),
              { key: "line", line: true as const },
              { key: "all", label: t("crumb.all"), onSelect: () => void navigate({ to: "/apps" }) },
            ]}
            trigger={
              <button type="button" className="btn min-w-0" data-kind="quiet" style={{ padding: "0 6px", color: "var(--text-1)", flex: "0 1 auto" }}>
                <AppTile app={app} size="xs" />
                <span className="font-semibold truncate" style={{ maxWidth: 260, lineHeight: "18px" }}>
                  {app.name}
                </span>
                <ChevronDown size={14} strokeWidth={1.9} className="text-ink-3" aria-hidden />
              </button>
            }
          />
        </nav>
        <span className="bar-line w-px h-4 bg-line-1" aria-hidden />
        <nav className="tabs" aria-label={t("tabs.label")}>
          {tabs.map((tab) => (
            <Link key={tab.key} to={tab.to} params={params} className="tab" activeProps={{ "aria-current": "page" }}>
              {t(`tabs.${tab.key}`)}
            </Link>
          ))}
        </nav>
        <div className="flex-1" />
        <BarSlot />
      </header>
      <Suspense fallback={<div className="flex-1" aria-busy="true" />}>{children}</Suspense>
    </>
  );
}
