/** What models cost: over time, by whom, call by call, and the budgets that bound it. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { CalendarRange, RefreshCw } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { profile, useRights, workspace } from "../../data/session";
import { useFormat } from "../../lib/format";
import { Button, IconButton } from "../../ui/Button";
import { Menu } from "../../ui/Menu";
import { Segmented } from "../../ui/Segmented";
import { Forbidden, Skeleton } from "../../ui/States";
import { ChartCard } from "../monitor/ChartCard";
import { DaysPicker } from "../monitor/DaysPicker";
import { SHORT, type Span, spanOf } from "../monitor/span";
import { type Numbers, useNumbers } from "../monitor/useNumbers";
import "../monitor/monitor.css";
import { PageHead } from "../settings/SettingsFrame";
import { summary } from "./api";
import { BudgetsCard } from "./Budgets";
import { CallsCard } from "./Calls";
import { byDay, currenciesOf, totalsOf, type UsageSearch } from "./figures";
import { GroupsCard } from "./Groups";
import "./usage.css";

interface Props {
  readonly search: UsageSearch;
  readonly onSearch: (search: UsageSearch) => void;
}

const LONG = ["3m", "12m", "mtd", "ytd"] as const;
const USUAL = "30d";

export function UsagePage({ search, onSearch }: Props) {
  const { t } = useTranslation("usage");
  const rights = useRights();
  const me = useQuery(profile).data;
  const space = useQuery(workspace).data;
  const zone = me?.timezone || "UTC";
  const client = useQueryClient();
  const [now, setNow] = useState(() => new Date());
  const range = search.range ?? USUAL;
  const span = useMemo(() => spanOf({ ...search, range }, now, zone, now), [search, range, now, zone]);
  const numbers = useNumbers(zone);
  const refresh = () => {
    setNow(new Date());
    void client.invalidateQueries({ queryKey: ["usage"] });
  };
  const choose = (key: UsageSearch["range"]) => onSearch({ range: key === USUAL ? undefined : key });
  if (space && !rights.edit) {
    return (
      <>
        <PageHead title={t("title")} text={t("text")} />
        <Forbidden title={t("noRight")} />
      </>
    );
  }
  return (
    <>
      <PageHead title={t("title")} text={t("text")}>
        <span className="max-md:hidden">
          <Segmented<(typeof SHORT)[number] | "">
            label={t("range.label")}
            value={SHORT.find((key) => key === range) ?? ""}
            onChange={(next) => (next === "" ? undefined : choose(next))}
            segments={SHORT.map((value) => ({ value, label: t(`range.short.${value}`) }))}
          />
        </span>
        <Menu
          trigger={<Button icon={CalendarRange}>{t(LONG.find((key) => key === range) ? `range.${range}` : "range.more")}</Button>}
          entries={[...SHORT, ...LONG].map((key) => ({ key, label: t(`range.${key}`), checked: key === range, onSelect: () => choose(key) }))}
        />
        <IconButton icon={RefreshCw} label={t("refresh")} onClick={refresh} />
      </PageHead>
      {me === undefined || space === undefined ? (
        <div className="usage" aria-busy="true" />
      ) : (
        <div className="monitor usage">
          <div className="flex items-center gap-x-3 gap-y-1 flex-wrap text-12 text-ink-3">
            <DaysPicker span={span} zone={zone} numbers={numbers} onPick={(from, to) => onSearch({ range: "custom", from, to })} />
            <span>{t("zone", { zone })}</span>
          </div>
          <Tops span={span} numbers={numbers} />
          <Over span={span} numbers={numbers} />
          <BudgetsCard admin={rights.admin} />
          <GroupsCard span={span} />
          <CallsCard span={span} />
        </div>
      )}
    </>
  );
}

interface PartProps {
  readonly span: Span;
  readonly numbers: Numbers;
}

function Tops({ span, numbers }: PartProps) {
  const { t } = useTranslation("usage");
  const format = useFormat();
  const query = useQuery(summary(span));
  const total = query.data?.total ?? [];
  const all = totalsOf(total);
  const paid = total.filter((sum) => Number(sum.price) > 0);
  const money = paid.length === 0 ? format.money(0) : paid.map((sum) => format.money(Number(sum.price), sum.currency)).join(" + ");
  const count = (value: number) => numbers.value("count", value);
  const saved = total.filter((sum) => Number(sum.saved_price ?? 0) > 0).map((sum) => format.money(Number(sum.saved_price), sum.currency));
  const savings =
    saved.length === 0 ? t("top.savedTokens", { shown: count(all.savedTokens) }) : t("top.saved", { money: saved.join(" + "), shown: count(all.savedTokens) });
  const rows = [
    { key: "money", value: money, note: "" },
    { key: "calls", value: count(all.calls), note: all.failed > 0 ? t("top.failed", { count: all.failed, shown: count(all.failed) }) : "" },
    { key: "prompt", value: count(all.prompt), note: all.cached > 0 ? t("top.cached", { shown: count(all.cached) }) : "" },
    { key: "completion", value: count(all.completion), note: "" },
    ...(all.hits > 0 ? [{ key: "hits", value: count(all.hits), note: savings }] : []),
  ];
  return (
    <section className="kpis" aria-label={t("top.label")} aria-busy={query.isFetching}>
      {rows.map((row) => (
        <div key={row.key} className="kpi">
          <span className="kpi-name">{t(`top.${row.key}`)}</span>
          <span className="kpi-change">{query.data ? row.note : ""}</span>
          <span className="kpi-value">{query.isPending ? <Skeleton width={64} height={20} style={{ marginBlock: 5 }} /> : query.error ? "–" : row.value}</span>
        </div>
      ))}
    </section>
  );
}

function Over({ span, numbers }: PartProps) {
  const { t, i18n } = useTranslation("usage");
  const format = useFormat();
  const query = useQuery(summary(span));
  const data = query.data ?? { total: [], days: [] };
  const currency = currenciesOf(data.total)[0] ?? "USD";
  const money = (value: number) => format.money(value, currency);
  const axis = useMemo(
    () =>
      new Intl.NumberFormat(i18n.language, { style: "currency", currency, currencyDisplay: "narrowSymbol", notation: "compact", maximumSignificantDigits: 2 }),
    [i18n.language, currency],
  );
  const prices = byDay(data, span.days, (sum) => Number(sum.price), currency);
  const prompt = byDay(data, span.days, (sum) => sum.prompt_tokens);
  const completion = byDay(data, span.days, (sum) => sum.completion_tokens);
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  const common = {
    kind: "bars" as const,
    points: span.days.map((date) => ({ tick: numbers.day(date), label: numbers.longDay(date) })),
    open: span.open ? span.days.length - 1 : undefined,
    query,
    first: t("day"),
    height: 210,
  };
  const others = currenciesOf(data.total).slice(1);
  return (
    <>
      <div className="monitor-two">
        <ChartCard
          {...common}
          title={t("chart.money")}
          total={money(sum(prices))}
          series={[{ key: "money", label: t("chart.money"), tone: "4", values: prices }]}
          whole={false}
          format={money}
          mark={(value) => (value === 0 ? "0" : axis.format(value))}
        />
        <ChartCard
          {...common}
          title={t("chart.tokens")}
          total={numbers.value("count", sum(prompt) + sum(completion))}
          series={[
            { key: "prompt", label: t("chart.prompt"), tone: "6", values: prompt },
            { key: "completion", label: t("chart.completion"), tone: "3", values: completion },
          ]}
          whole
          format={(value) => numbers.value("count", value)}
          mark={(value) => numbers.mark("count", value)}
        />
      </div>
      {others.length > 0 ? <p className="hint">{t("chart.others", { currency, others: others.join(", ") })}</p> : null}
    </>
  );
}
