/** How long answers took on each day: what half of them, what 95 and what 99 of 100 did not exceed, and when the first token came. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { AppDetail } from "../../data/apps";
import { days } from "./api";
import { ChartCard } from "./ChartCard";
import { secondsOf, viewOf } from "./figures";
import type { Span } from "./span";
import type { Numbers } from "./useNumbers";

interface Props {
  readonly app: AppDetail;
  readonly span: Span;
  readonly numbers: Numbers;
  readonly onPick: ((index: number) => void) | undefined;
}

export function TimesCard({ app, span, numbers, onPick }: Props) {
  const { t } = useTranslation("monitor");
  const query = useQuery(days(app.id, viewOf(app.mode).times, span));
  const data = query.data ?? [];
  const first = { key: "first", label: t("times.first"), tone: "2", values: secondsOf("first_token_p50", span.days, data) } as const;
  const p95 = secondsOf("p95", span.days, data);
  const series = [
    { key: "p50", label: t("times.p50"), tone: "1", values: secondsOf("p50", span.days, data) },
    { key: "p95", label: t("times.p95"), tone: "4", values: p95 },
    { key: "p99", label: t("times.p99"), tone: "6", values: secondsOf("p99", span.days, data) },
    ...(first.values.some((value) => value !== null) ? [first] : []),
  ] as const;
  const known = p95.filter((value) => value !== null);
  const sampled = data.filter((day) => day.sampled === true).length;
  return (
    <ChartCard
      title={t("times.title")}
      total={known.length === 0 ? "" : t("times.worst", { value: numbers.value("seconds", Math.max(...known)) })}
      kind="line"
      whole={false}
      points={span.days.map((day) => ({ tick: numbers.day(day), label: numbers.longDay(day) }))}
      series={series}
      format={(value) => numbers.value("seconds", value)}
      mark={(value) => numbers.mark("seconds", value)}
      open={span.open ? span.days.length - 1 : undefined}
      query={query}
      first={t("chart.day")}
      onPick={onPick}
      note={sampled === 0 ? undefined : t("times.sampled", { count: sampled })}
    />
  );
}
