/** Apps that fail more than they should, each with the way to the cause. */
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { type AppItem, type Figures, isGraph } from "../../data/apps";
import { Dot } from "../../ui/Marks";
import { type Hours, needsAttention } from "./figures";

const MOST = 3;
const RANGES = { 1: "1h", 24: "24h", 168: "7d" } as const;

export function Attention({ apps, figures, hours }: { apps: readonly AppItem[]; figures: ReadonlyMap<string, Figures> | undefined; hours: Hours }) {
  const { t } = useTranslation("apps");
  const rows = apps.flatMap((app) => {
    const each = figures?.get(app.id);
    return needsAttention(each) ? [{ app, each }] : [];
  });
  if (rows.length === 0) return null;
  const worst = rows.toSorted((a, b) => b.each.failed - a.each.failed).slice(0, MOST);
  return (
    <section className="px-7 max-md:px-4 pb-4" aria-label={t("attention.title")}>
      <ul className="card">
        {worst.map(({ app, each }) => (
          <li key={app.id} className="flex items-center gap-3 px-3 min-h-9.5 py-1 border-b border-line-1 last:border-b-0 flex-wrap">
            <Dot tone="bad" />
            <span className="font-semibold">{app.name}</span>
            <span className="text-ink-2 flex-1">{t("attention.failed", { failed: each.failed, count: each.runs })}</span>
            <Link
              to="/app/$appId/logs"
              params={{ appId: app.id }}
              search={isGraph(app.mode) ? { view: "runs", status: "failed", range: RANGES[hours] } : { range: RANGES[hours] }}
              className="btn"
              data-size="sm"
            >
              {t("attention.see")}
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
