/** What happens in an app: numbers, runs over time, and one chart for each figure. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Activity, CalendarRange, RefreshCw, Siren } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type AppDetail, isGraph, siteUrl } from "../../data/apps";
import { profile, useRights } from "../../data/session";
import { addDays, startOfDay } from "../../lib/zone";
import { BarEnd } from "../../ui/BarEnd";
import { Button, IconButton } from "../../ui/Button";
import { Menu } from "../../ui/Menu";
import { Segmented } from "../../ui/Segmented";
import { Empty } from "../../ui/States";
import { barsOf } from "./api";
import { ChartCard } from "./ChartCard";
import { DaysPicker } from "./DaysPicker";
import { type Figure, viewOf } from "./figures";
import { ModelsCard } from "./ModelsCard";
import { NodesCard } from "./NodesCard";
import { DEFAULT_RANGE, LONG, type MonitorSearch, SHORT, type Span, spanOf } from "./span";
import { TimesCard } from "./TimesCard";
import { Tops, useNothingBefore } from "./Tops";
import { type Numbers, useNumbers } from "./useNumbers";
import { useTotal } from "./useTotal";
import "./monitor.css";

/** Part of the log: a time, and for workflows a state. */
export interface LogPart {
  readonly since: number;
  readonly until: number;
  readonly failed: boolean;
}

interface Props {
  readonly app: AppDetail;
  readonly search: MonitorSearch;
  readonly onSearch: (search: MonitorSearch) => void;
  /** Opens a part of the log. */
  readonly onLogs: (part: LogPart) => void;
}

/** Fewer failures are chance. */
const FEW = 3;
const GOOD = 0.95;

export function MonitorPage({ app, search, onSearch, onLogs }: Props) {
  const { t } = useTranslation("monitor");
  const rights = useRights();
  const me = useQuery(profile).data;
  const zone = me?.timezone || "UTC";
  const client = useQueryClient();
  const [now, setNow] = useState(() => new Date());
  const refresh = () => {
    setNow(new Date());
    void client.invalidateQueries({ queryKey: ["monitor", app.id] });
  };
  const span = useMemo(() => spanOf(search, now, zone, new Date(app.created_at * 1000)), [search, now, zone, app.created_at]);
  const numbers = useNumbers(zone);
  const range = search.range ?? DEFAULT_RANGE;
  const runs = useQuery({ ...barsOf(app.id, span), enabled: me !== undefined });
  const view = viewOf(app.mode);
  const part = { app, span, numbers, zone, onLogs: rights.edit ? onLogs : undefined };
  return (
    <div className="flex-1 overflow-auto bg-surface-2">
      <BarEnd>
        <Ranges search={search} onSearch={onSearch} />
        <IconButton icon={RefreshCw} label={t("refresh")} onClick={refresh} />
      </BarEnd>
      {me === undefined ? (
        <div className="monitor" aria-busy="true" />
      ) : (
        <section className="monitor" aria-label={t("title", { name: app.name })}>
          <div className="flex items-center gap-x-3 gap-y-1 flex-wrap text-12 text-ink-3">
            <DaysPicker span={span} zone={zone} numbers={numbers} onPick={(from, to) => onSearch({ range: "custom", from, to })} />
            <span>{t("zone", { zone })}</span>
            <NothingBefore appId={app.id} span={span} />
          </div>
          {runs.data?.total === 0 ? (
            <Empty icon={Activity} cat="knowledge" title={t("empty.title")} text={t(range === "all" ? "empty.never" : "empty.text")}>
              {range === "all" ? null : <Button onClick={() => onSearch({ range: "all" })}>{t("empty.all")}</Button>}
              {app.enable_site && (!isGraph(app.mode) || app.workflow) ? (
                <a className="btn" href={siteUrl(app)} target="_blank" rel="noreferrer">
                  {t("empty.open")}
                </a>
              ) : null}
            </Empty>
          ) : null}
          <Tops app={app} span={span} numbers={numbers} />
          <Alarm {...part} />
          <div className="monitor-two">
            <Runs {...part} />
            <FigureCard {...part} figure={view.beside} height={TALL} />
          </div>
          <div className="monitor-more">
            <Times {...part} />
            {isGraph(app.mode) ? <Nodes {...part} /> : null}
            {view.below.map((figure) => (
              <FigureCard key={figure.key} {...part} figure={figure} />
            ))}
            {rights.edit ? <ModelsCard appId={app.id} span={span} /> : null}
          </div>
        </section>
      )}
    </div>
  );
}

function NothingBefore({ appId, span }: { appId: string; span: Span }) {
  const { t } = useTranslation("monitor");
  return useNothingBefore(appId, span) ? <span title={t("nothingBefore")}>{t("new")}</span> : null;
}

const TALL = 232;

function Ranges({ search, onSearch }: { search: MonitorSearch; onSearch: (search: MonitorSearch) => void }) {
  const { t } = useTranslation("monitor");
  const range = search.range ?? DEFAULT_RANGE;
  const long = LONG.find((key) => key === range);
  const choose = (key: (typeof SHORT)[number] | (typeof LONG)[number]) => onSearch({ range: key === DEFAULT_RANGE ? undefined : key });
  return (
    <>
      <span className="max-md:hidden">
        <Segmented<(typeof SHORT)[number] | "">
          label={t("range.label")}
          value={SHORT.find((key) => key === range) ?? ""}
          onChange={(next) => (next === "" ? undefined : choose(next))}
          segments={SHORT.map((value) => ({ value, label: t(`range.short.${value}`) }))}
        />
      </span>
      <Menu
        trigger={<Button icon={CalendarRange}>{t(long ? `range.${long}` : "range.more")}</Button>}
        entries={[...SHORT, ...LONG].map((key) => ({ key, label: t(`range.${key}`), checked: key === range, onSelect: () => choose(key) }))}
      />
    </>
  );
}

interface PartProps {
  readonly app: AppDetail;
  readonly span: Span;
  readonly numbers: Numbers;
  readonly zone: string;
  readonly onLogs: ((part: LogPart) => void) | undefined;
}

const unix = (date: Date): number => Math.floor(date.getTime() / 1000);

/** Said only when it is more than chance. */
function Alarm({ app, span, numbers, onLogs }: PartProps) {
  const { t } = useTranslation("monitor");
  const found = useQuery(barsOf(app.id, span)).data;
  if (!found || found.failed < FEW) return null;
  const rate = found.succeeded / (found.succeeded + found.failed);
  if (rate >= GOOD) return null;
  return (
    <div className="banner" data-tone="bad" role="status">
      <Siren size={16} strokeWidth={1.75} aria-hidden />
      <span className="flex-1">
        <b className="font-semibold">{t("alarm.title", { rate: numbers.value("percent", rate), goal: numbers.value("percent", GOOD) })}</b>{" "}
        {t("alarm.text", { count: found.failed, total: numbers.value("count", found.total) })}
      </span>
      {onLogs ? (
        <Button kind="danger" size="sm" onClick={() => onLogs({ since: unix(span.since), until: unix(span.until), failed: true })}>
          {t("alarm.see")}
        </Button>
      ) : null}
    </div>
  );
}

function Runs({ app, span, numbers, onLogs }: PartProps) {
  const { t } = useTranslation("monitor");
  const query = useQuery(barsOf(app.id, span));
  const buckets = query.data?.buckets ?? [];
  const step = query.data?.step_seconds ?? 3600;
  const hours = step < 20 * 3600;
  const end = unix(span.until);
  const series = [
    { key: "done", label: t("state.done"), tone: "3", values: buckets.map((bucket) => bucket.succeeded) },
    { key: "other", label: t("state.other"), tone: "5", values: buckets.map((bucket) => bucket.other) },
    { key: "failed", label: t("state.failed"), tone: "bad", values: buckets.map((bucket) => bucket.failed) },
  ] as const;
  const ticks = buckets.map((bucket) => numbers.at(bucket.at, hours && span.days.length <= 2));
  const open = span.open ? buckets.findIndex((bucket) => bucket.at <= end && end < bucket.at + step) : -1;
  const pick = (at: number) => {
    const bucket = buckets[at];
    if (bucket) onLogs?.({ since: bucket.at, until: bucket.at + step, failed: false });
  };
  return (
    <ChartCard
      title={t(`figure.${viewOf(app.mode).count.key}`)}
      total={numbers.value("count", query.data?.total)}
      kind="bars"
      height={TALL}
      whole
      points={buckets.map((bucket, i) => ({ tick: ticks[i] === ticks[i - 1] ? "" : (ticks[i] ?? ""), label: numbers.longAt(bucket.at, hours) }))}
      series={series.filter((each) => each.key === "done" || each.values.some((value) => value > 0))}
      format={(value) => numbers.value("count", value)}
      mark={(value) => numbers.mark("count", value)}
      open={open < 0 ? undefined : open}
      query={query}
      first={t("chart.time")}
      onPick={onLogs ? pick : undefined}
    />
  );
}

/** Opens the log of a day. */
const dayPick =
  ({ span, zone, onLogs }: Pick<PartProps, "span" | "zone" | "onLogs">) =>
  (at: number) => {
    const day = span.days[at];
    if (day) onLogs?.({ since: unix(startOfDay(day, zone)), until: unix(startOfDay(addDays(day, 1), zone)), failed: false });
  };

function Times({ app, span, numbers, zone, onLogs }: PartProps) {
  return <TimesCard app={app} span={span} numbers={numbers} onPick={onLogs ? dayPick({ span, zone, onLogs }) : undefined} />;
}

function Nodes({ app, span, onLogs }: PartProps) {
  const logs = () => onLogs?.({ since: unix(span.since), until: unix(span.until), failed: false });
  return <NodesCard appId={app.id} span={span} onLogs={onLogs ? logs : undefined} />;
}

function FigureCard({ app, span, numbers, figure, zone, height, onLogs }: PartProps & { figure: Figure; height?: number }) {
  const { t } = useTranslation("monitor");
  const { query, values, total } = useTotal(app.id, figure, span, span.days);
  const name = t(`figure.${figure.key}`);
  return (
    <ChartCard
      title={name}
      total={total === undefined ? "" : t(figure.total === "sum" ? "total.sum" : "total.mean", { value: numbers.value(figure.unit, total) })}
      kind={figure.kind}
      whole={figure.unit === "count"}
      points={span.days.map((day) => ({ tick: numbers.day(day), label: numbers.longDay(day) }))}
      series={[{ key: figure.key, label: name, tone: figure.tone, values }]}
      format={(value) => numbers.value(figure.unit, value)}
      mark={(value) => numbers.mark(figure.unit, value)}
      open={span.open ? span.days.length - 1 : undefined}
      query={query}
      first={t("chart.day")}
      {...(height === undefined ? {} : { height })}
      onPick={onLogs ? dayPick({ span, zone, onLogs }) : undefined}
    />
  );
}
