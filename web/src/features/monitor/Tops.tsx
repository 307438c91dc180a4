/** The numbers at the top: each with how it moved and how it went. */
import { useQuery } from "@tanstack/react-query";
import { ArrowDown, ArrowUp } from "lucide-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { type AppDetail, appFigures } from "../../data/apps";
import { Sparkline } from "../../ui/Sparkline";
import { Skeleton } from "../../ui/States";
import { bars, barsOf, days, whole } from "./api";
import { type Compared, comparedTo, type Figure, secondsOf, viewOf } from "./figures";
import type { Span } from "./span";
import type { Numbers } from "./useNumbers";
import { useTotal } from "./useTotal";

interface Props {
  readonly app: AppDetail;
  readonly span: Span;
  readonly numbers: Numbers;
}

/** Whether it is known that nothing ran in the time before: then there is nothing to compare with. */
export function useNothingBefore(appId: string, { since, until, before }: Span): boolean {
  const earlier = useQuery({ ...bars(appId, before?.since ?? since, before?.until ?? until, 1), enabled: before !== undefined });
  return before !== undefined && earlier.data?.total === 0;
}

export function Tops({ app, span: chosen, numbers }: Props) {
  const { t } = useTranslation("monitor");
  const alone = useNothingBefore(app.id, chosen);
  // It is said once, beside the dates.
  const span = useMemo(() => (alone ? { ...chosen, before: undefined } : chosen), [alone, chosen]);
  return (
    <section className="kpis" aria-label={t("numbers")}>
      <RunTops app={app} span={span} numbers={numbers} />
      {viewOf(app.mode).hasFirst ? <FirstTop app={app} span={span} numbers={numbers} /> : null}
      {viewOf(app.mode).tops.map((figure) => (
        <FigureTop key={figure.key} app={app} span={span} numbers={numbers} figure={figure} />
      ))}
    </section>
  );
}

/** Of those that came to an end. */
function rateOf(of: { readonly succeeded: number; readonly failed: number } | undefined): number | undefined {
  return of && of.succeeded + of.failed > 0 ? of.succeeded / (of.succeeded + of.failed) : undefined;
}

function RunTops({ app, span, numbers }: Props) {
  const { t } = useTranslation("monitor");
  const now = useQuery(barsOf(app.id, span));
  const { before } = span;
  const earlier = useQuery({ ...bars(app.id, before?.since ?? span.since, before?.until ?? span.until, 1), enabled: before !== undefined });
  const figures = useQuery({ ...appFigures([app.id], span.hours ?? 24, true), enabled: span.hours !== undefined }).data?.get(app.id);
  const past = (now.data?.buckets ?? []).filter((bucket) => bucket.at * 1000 < span.until.getTime());
  const was = before === undefined ? undefined : earlier.data;
  const than = (value: number | undefined) => ({ known: was !== undefined, value });
  const common = { busy: now.isPending, numbers };
  return (
    <>
      <Top
        {...common}
        name={t(`figure.${viewOf(app.mode).count.key}`)}
        value={numbers.value("count", now.data?.total)}
        tone="3"
        values={past.map((bucket) => bucket.total)}
        change={comparedTo({ unit: "count" }, now.data?.total, than(was?.total))}
      />
      <Top
        {...common}
        name={t("figure.success")}
        value={numbers.value("percent", rateOf(now.data))}
        tone={(now.data?.failed ?? 0) > 0 ? "bad" : "3"}
        values={past.flatMap((bucket) => rateOf(bucket) ?? [])}
        change={comparedTo({ unit: "percent", better: "more" }, rateOf(now.data), than(rateOf(was)))}
      />
      {span.hours === undefined ? (
        <LongTimes app={app} span={span} numbers={numbers} />
      ) : (
        <Top
          {...common}
          name={t("figure.p95")}
          value={numbers.value("seconds", figures?.p95_seconds ?? undefined)}
          tone="1"
          values={[]}
          change={comparedTo({ unit: "seconds", better: "less" }, figures?.p95_seconds ?? undefined, {
            known: span.before !== undefined && figures?.before !== undefined && figures.before !== null,
            value: figures?.before?.p95_seconds ?? undefined,
          })}
        />
      )}
    </>
  );
}

/** The p95 of a time that the figures of apps do not reach: of all its answers, or of the newest where there are very many. */
function LongTimes({ app, span, numbers }: Props) {
  const { t } = useTranslation("monitor");
  const { times } = viewOf(app.mode);
  const now = useQuery(whole(app.id, times, span));
  const before = useQuery({ ...whole(app.id, times, span.before ?? span), enabled: span.before !== undefined });
  const p95 = now.data?.p95;
  const known = span.before !== undefined && before.data !== undefined;
  const sampled = now.data?.sampled === true || (known && before.data?.sampled === true);
  return (
    <Top
      name={t("figure.p95")}
      value={now.error ? "–" : numbers.value("seconds", p95)}
      busy={now.isPending}
      tone="1"
      values={[]}
      change={comparedTo({ unit: "seconds", better: "less" }, p95, { known, value: before.data?.p95 })}
      numbers={numbers}
      note={sampled ? t("times.newest") : undefined}
    />
  );
}

/** When half of the answers had begun; when nearly all had is said beside it. */
function FirstTop({ app, span, numbers }: Props) {
  const { t } = useTranslation("monitor");
  const { times } = viewOf(app.mode);
  const now = useQuery(whole(app.id, times, span));
  const before = useQuery({ ...whole(app.id, times, span.before ?? span), enabled: span.before !== undefined });
  const byDay = useQuery(days(app.id, times, span));
  const p50 = now.data?.first_token_p50 ?? undefined;
  const p95 = now.data?.first_token_p95 ?? undefined;
  const known = span.before !== undefined && before.data !== undefined;
  const notes = [
    p95 === undefined ? t("firstToken.none") : t("firstToken.p95", { value: numbers.value("seconds", p95) }),
    ...(now.data?.sampled === true ? [t("times.newest")] : []),
  ];
  return (
    <Top
      name={t("figure.firstToken")}
      value={now.error ? "–" : numbers.value("seconds", p50)}
      busy={now.isPending}
      tone="2"
      values={secondsOf("first_token_p50", span.days, byDay.data ?? []).filter((value) => value !== null)}
      change={comparedTo({ unit: "seconds", better: "less" }, p50, { known, value: before.data?.first_token_p50 ?? undefined })}
      numbers={numbers}
      note={now.data ? notes.join(" ") : undefined}
    />
  );
}

function FigureTop({ app, span, numbers, figure }: Props & { figure: Figure }) {
  const { t } = useTranslation("monitor");
  const now = useTotal(app.id, figure, span, span.days);
  const before = useTotal(app.id, figure, span.before, undefined, span.days.length);
  const basis = useTotal(app.id, figure.basis ?? figure, span, span.days).total;
  return (
    <Top
      name={t(`figure.${figure.key}`)}
      value={now.query.error ? "–" : numbers.value(figure.unit, now.total)}
      busy={now.query.isPending}
      tone={figure.tone}
      values={now.values.filter((value) => value !== null)}
      change={span.before ? comparedTo(figure, now.total, { known: before.ready, value: before.total }) : undefined}
      numbers={numbers}
      note={figure.basis && basis !== undefined ? t(`basis.${figure.key}`, { count: basis }) : undefined}
    />
  );
}

interface TopProps {
  readonly name: string;
  readonly value: string;
  readonly busy: boolean;
  readonly tone: Figure["tone"] | "bad";
  readonly values: readonly number[];
  readonly change: Compared | undefined;
  readonly numbers: Numbers;
  /** What has to be known about the value. */
  readonly note?: string | undefined;
}

function Top({ name, value, busy, tone, values, change, numbers, note }: TopProps) {
  const { t } = useTranslation("monitor");
  return (
    <div className="kpi">
      <span className="kpi-name" title={name}>
        {name}
      </span>
      <Moved change={change} numbers={numbers} />
      <span className="kpi-value" title={note}>
        {note ? <span className="visually-hidden">{note} </span> : null}
        {busy ? <Skeleton width={64} height={20} style={{ marginBlock: 5 }} /> : value}
      </span>
      {values.length > 1 ? <Sparkline values={values} tone={tone} label={t("spark", { name })} /> : <span />}
    </div>
  );
}

function Moved({ change, numbers }: Pick<TopProps, "change" | "numbers">) {
  const { t } = useTranslation("monitor");
  if (change === undefined) return <span className="kpi-change" />;
  if (change === "none" || change === "same")
    return (
      <span className="kpi-change" title={t(change === "none" ? "nothingBefore" : "change")}>
        {t(change === "none" ? "new" : "same")}
      </span>
    );
  const Arrow = change.value > 0 ? ArrowUp : ArrowDown;
  return (
    <span className="kpi-change" data-mood={change.mood} title={t("change")}>
      <Arrow size={12} strokeWidth={2} aria-hidden />
      {numbers.change(change)}
      {change.mood === "even" ? null : <span className="visually-hidden"> {t(change.mood === "good" ? "better" : "worse")}</span>}
    </span>
  );
}
