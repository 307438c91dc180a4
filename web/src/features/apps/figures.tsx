/** The numbers of an app: how they read in a row, on a card, and when they ask for attention. */
import { useTranslation } from "react-i18next";
import type { AppItem, Figures } from "../../data/apps";
import { isGraph } from "../../data/apps";
import { useFormat } from "../../lib/format";
import { Badge, Dot } from "../../ui/Marks";
import { Sparkline } from "../../ui/Sparkline";

export const HOURS = [1, 24, 168] as const;
export type Hours = (typeof HOURS)[number];
export const DEFAULT_HOURS: Hours = 24;

const GOOD = 0.95;
const BAD = 0.92;

export type Mood = "ok" | "warn" | "bad";

export function moodOf(rate: number): Mood {
  return rate >= GOOD ? "ok" : rate >= BAD ? "warn" : "bad";
}

/** One failure of two is chance; three and under the line is a problem. */
export function needsAttention(figures: Figures | undefined): figures is Figures {
  return figures !== undefined && figures.failed >= 3 && figures.success_rate !== null && moodOf(figures.success_rate) === "bad";
}

export function Success({ figures }: { figures: Figures | undefined }) {
  const { i18n } = useTranslation();
  const rate = figures?.success_rate ?? null;
  if (rate === null) return <span className="text-ink-3">–</span>;
  const text = new Intl.NumberFormat(i18n.language, { style: "percent", maximumFractionDigits: 1 }).format(rate);
  return (
    <span className="inline-flex items-center gap-2 num">
      <Dot tone={moodOf(rate)} />
      {text}
    </span>
  );
}

export function PerHour({ figures, wide }: { figures: Figures | undefined; wide?: boolean }) {
  const { t } = useTranslation("apps");
  if (!figures || figures.runs === 0 || figures.per_hour.length < 2) return <span className="text-ink-3">–</span>;
  const tone = figures.success_rate !== null && moodOf(figures.success_rate) === "bad" ? "bad" : (figures.per_hour.at(-1) ?? 0) > 0 ? "acc" : "plain";
  const label = t("figures.perHour", { most: Math.max(...figures.per_hour), count: figures.runs });
  return <Sparkline values={figures.per_hour} tone={tone} label={label} {...(wide ? { wide } : {})} />;
}

export function useFigureTexts(figures: Figures | undefined): { readonly runs: string; readonly p95: string; readonly cost: string } {
  const format = useFormat();
  const price = Number(figures?.total_price ?? 0);
  return {
    runs: figures && figures.runs > 0 ? format.number(figures.runs) : "–",
    p95: figures && figures.p95_seconds !== null ? format.duration(figures.p95_seconds, 1) : "–",
    cost: figures && price > 0 ? format.money(price, figures.currency) : "–",
  };
}

/** Only what differs from the usual: not published yet, or the page is off. */
export function StateBadge({ app }: { app: AppItem }) {
  const { t } = useTranslation("apps");
  if (app.enable_site === false) return <Badge tone="warn">{t("state.off")}</Badge>;
  if (isGraph(app.mode) && !app.workflow) return <Badge>{t("state.draft")}</Badge>;
  return null;
}

export function AppTags({ app, most }: { app: AppItem; most: number }) {
  return (
    <>
      {app.tags.slice(0, most).map((tag) => (
        <Badge key={tag.id} tone="line">
          {tag.name}
        </Badge>
      ))}
      {app.tags.length > most ? <Badge tone="line">+{app.tags.length - most}</Badge> : null}
    </>
  );
}
