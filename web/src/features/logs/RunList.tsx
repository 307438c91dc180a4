import { useInfiniteQuery } from "@tanstack/react-query";
import { Activity, Download, ListFilter } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Format, useFormat } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import { saveFile } from "../../lib/save";
import { Button, IconButton } from "../../ui/Button";
import { Kbd } from "../../ui/Kbd";
import { Menu } from "../../ui/Menu";
import { Rows } from "../../ui/Rows";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { isRunLog, type RunRow, runList } from "./api";
import { ExportMenu } from "./ExportMenu";
import { FilterBar, isoTime, spanToken, type Token } from "./FilterBar";
import { Histogram } from "./Histogram";
import { type ListProps, type ListSize, useActive, useListSize } from "./list";
import { RunMark } from "./RunMark";
import { chosenSpan, DEFAULT_RANGE, rangeStart, STATUSES } from "./search";
import { startedAt } from "./times";

const COLUMNS = {
  phone: { gridTemplateColumns: "16px 62px minmax(0, 1fr) 66px" },
  narrow: { gridTemplateColumns: "16px 74px minmax(0, 1fr) 64px 60px 70px" },
  wide: { gridTemplateColumns: "16px 120px minmax(0, 1fr) 150px 120px 80px 70px 80px" },
};

/** Nothing to show for a price of zero: the model has none. */
export function priceText(format: Format, run: { total_price?: string | number | null; currency?: string | null }): string {
  const price = Number(run.total_price ?? 0);
  return price > 0 ? format.money(price, run.currency ?? "USD") : "–";
}

export function RunList({ app, search, onSearch, beside, lead }: ListProps) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const [live, setLive] = useState(false);
  const format = useFormat();
  const debug = search.from === "debug";
  const size = useListSize(beside);
  const height = size === "phone" ? 44 : 36;
  const full = isRunLog(app.mode, debug);
  const range = search.range ?? DEFAULT_RANGE;
  const from = useMemo(() => (rangeStart(range, Date.now()) ?? new Date(app.created_at * 1000)).toISOString(), [range, app.created_at]);
  const span = full ? chosenSpan(search) : undefined;
  const filter = {
    debug,
    status: search.status,
    keyword: full ? search.q : undefined,
    after: span ? isoTime(span.since) : full && range !== "all" ? from : undefined,
    before: span && isoTime(span.until),
  };
  const list = useInfiniteQuery(runList(app.id, app.mode, filter, live));
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.rows) ?? [], [list.data]);
  const total = list.data?.pages[0]?.total;
  const ids = useMemo(() => rows.map((row) => row.run.id), [rows]);
  const [active, setActive] = useActive(ids, search.run);
  const open = (run: string | undefined, replace?: boolean) => onSearch({ run, node: undefined }, replace);
  const move = (by: number) => {
    const next = Math.max(0, Math.min(ids.length - 1, active + by));
    setActive(next);
    if (beside && ids[next]) open(ids[next], true);
  };
  const enter = () => (ids[active] ? open(ids[active]) : undefined);
  useKeys({ j: () => move(1), k: () => move(-1), Enter: enter });
  const tokens: Token[] = [
    ...(search.status
      ? [{ key: "status", name: t("filter.statusIs"), value: t(`status.${search.status}`), onRemove: () => onSearch({ status: undefined }, true) }]
      : []),
    ...(span ? [spanToken(span, t, format, () => onSearch({ since: undefined, until: undefined }, true))] : []),
    ...(debug ? [{ key: "from", name: t("filter.fromIs"), value: t("from.debug"), onRemove: () => onSearch({ from: undefined }, true) }] : []),
  ];
  const filtered = tokens.length > 0 || (full && (Boolean(search.q) || range !== "all"));
  const clear = () => onSearch({ status: undefined, from: undefined, q: undefined, since: undefined, until: undefined, range: "all" });
  return (
    <>
      <FilterBar
        lead={lead}
        tokens={tokens}
        words={full ? (search.q ?? "") : ""}
        onWords={full ? (q) => onSearch({ q: q || undefined }, true) : undefined}
        placeholder={full ? t("filter.words") : t("filter.byStatus")}
        range={range}
        onRange={full ? (next) => onSearch({ range: next === DEFAULT_RANGE ? undefined : next, since: undefined, until: undefined }) : undefined}
        live={live}
        onLive={() => setLive(!live)}
      >
        <Menu
          trigger={<Button icon={ListFilter}>{t("filter.add")}</Button>}
          entries={[
            { key: "h1", head: t("filter.status") },
            ...STATUSES.map((status) => ({
              key: status,
              label: t(`status.${status}`),
              checked: search.status === status,
              onSelect: () => onSearch({ status: search.status === status ? undefined : status }),
            })),
            { key: "line", line: true as const },
            { key: "h2", head: t("filter.from") },
            { key: "app", label: t("from.app"), checked: !debug, onSelect: () => onSearch({ from: undefined }) },
            { key: "debug", label: t("from.debug"), checked: debug, onSelect: () => onSearch({ from: "debug" }) },
          ]}
        />
        {full ? (
          <ExportMenu
            app={app}
            filter={{ keyword: filter.keyword, status: filter.status, created_at__after: filter.after, created_at__before: filter.before }}
          />
        ) : rows.length > 0 ? (
          <IconButton kind="default" icon={Download} label={t("download")} onClick={() => saveFile(`${app.name} runs.csv`, csvOf(rows), "text/csv")} />
        ) : null}
      </FilterBar>
      {full ? (
        <Histogram
          appId={app.id}
          after={from}
          keyword={search.q}
          status={search.status}
          live={live}
          chosen={span}
          onChoose={(next) => onSearch({ since: next?.since, until: next?.until }, true)}
        />
      ) : null}
      {list.isPending ? (
        <div className="px-5 flex-1">
          <SkeletonRows rows={12} height={36} slow={c("common.slow")} label={c("common.loading")} />
        </div>
      ) : list.error ? (
        <div className="p-5 flex-1">
          <Failed
            title={t("failed")}
            text={messageOf(list.error)}
            retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
            details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
          />
        </div>
      ) : rows.length === 0 ? (
        <div className="p-5 flex-1">
          {filtered ? (
            <Empty icon={ListFilter} title={search.q ? t("empty.words", { words: search.q }) : t("empty.filter")} text={t("empty.filterText")}>
              <Button onClick={clear}>{c("common.clearFilter")}</Button>
            </Empty>
          ) : (
            <Empty icon={Activity} cat="acc" title={t("empty.title")} text={t("empty.text")}>
              <Button onClick={() => onSearch({ from: "debug" })}>{t("empty.debug")}</Button>
            </Empty>
          )}
        </div>
      ) : (
        <Rows
          count={rows.length}
          height={height}
          active={active}
          label={t("view.runs")}
          head={<Head size={size} />}
          row={(index) => {
            const row = rows[index];
            return row ? <Row row={row} size={size} active={index === active} open={row.run.id === search.run} onOpen={() => open(row.run.id)} /> : null;
          }}
          onEnd={list.hasNextPage && !list.isFetchingNextPage ? () => void list.fetchNextPage() : undefined}
        />
      )}
      <Foot
        text={list.data ? (total === undefined ? t(list.hasNextPage ? "countMore" : "count", { count: rows.length }) : t("count", { count: total })) : ""}
        fetching={list.isFetching}
      />
    </>
  );
}

function Head({ size }: { size: ListSize }) {
  const { t } = useTranslation("logs");
  const wide = size === "wide";
  return (
    <div role="row" className="th px-5 max-md:px-4" style={COLUMNS[size]}>
      <span role="columnheader" aria-label={t("col.status")} />
      <span role="columnheader">{t("col.started")}</span>
      <span role="columnheader">{t("col.input")}</span>
      {wide ? (
        <>
          <span role="columnheader">{t("col.user")}</span>
          <span role="columnheader">{t("col.source")}</span>
        </>
      ) : null}
      <span role="columnheader" className="text-end">
        {t("col.time")}
      </span>
      {size === "phone" ? null : (
        <>
          <span role="columnheader" className="text-end">
            {t("col.tokens")}
          </span>
          <span role="columnheader" className="text-end">
            {t("col.cost")}
          </span>
        </>
      )}
    </div>
  );
}

function Row({ row, size, active, open, onOpen }: { row: RunRow; size: ListSize; active: boolean; open: boolean; onOpen: () => void }) {
  const { t } = useTranslation("logs");
  const format = useFormat();
  const { run } = row;
  const waits = run.status === "paused";
  const wide = size === "wide";
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: J, K and Enter move and open; the input is a button for everyone else
    <div
      role="row"
      className="td px-5 max-md:px-4 h-full cursor-default"
      style={{ ...COLUMNS[size], minHeight: 36 }}
      data-active={active}
      aria-selected={open}
      tabIndex={-1}
      onClick={onOpen}
    >
      <span role="cell" className="inline-flex">
        <RunMark status={run.status} />
      </span>
      <span role="cell" className="num text-ink-2">
        {startedAt(run.created_at, format, wide)}
      </span>
      <span role="cell" className="min-w-0 flex">
        <button type="button" className="truncate text-start" onClick={onOpen}>
          {run.input_preview?.trim() || <span className="text-ink-3">{t("noInput")}</span>}
        </button>
      </span>
      {wide ? (
        <>
          <span role="cell" className="truncate text-ink-2">
            {row.by || "–"}
          </span>
          <span role="cell" className="truncate text-ink-2">
            {t(`source.${row.source}`, { defaultValue: row.source })}
          </span>
        </>
      ) : null}
      <span role="cell" className={`num text-end ${waits ? "text-paused" : run.status === "failed" ? "text-danger" : "text-ink-2"}`}>
        {waits ? t("waits") : run.status === "running" ? "…" : format.duration(run.elapsed_time)}
      </span>
      {size === "phone" ? null : (
        <>
          <span role="cell" className="num text-end text-ink-2">
            {run.total_tokens > 0 ? format.number(run.total_tokens) : "–"}
          </span>
          <span role="cell" className="num text-end text-ink-2">
            {priceText(format, run)}
          </span>
        </>
      )}
    </div>
  );
}

export function Foot({ text, fetching }: { text: string; fetching: boolean }) {
  const { t } = useTranslation("logs");
  return (
    <footer className="flex items-center gap-4 px-5 max-md:px-4 h-9 flex-none border-t border-line-1 text-12 text-ink-3">
      <span className="num" role="status">
        {text}
      </span>
      {fetching ? <span className="visually-hidden">{t("reading")}</span> : null}
      <span className="ms-auto flex items-center gap-1.5 max-md:hidden">
        <Kbd keys="J" />
        <Kbd keys="K" /> {t("keys.move")}
      </span>
      <span className="flex items-center gap-1.5 max-md:hidden">
        <Kbd keys="enter" /> {t("keys.open")}
      </span>
      <span className="flex items-center gap-1.5 max-md:hidden">
        <Kbd keys="esc" /> {t("keys.close")}
      </span>
    </footer>
  );
}

/** The rows that are loaded, as a table for other programs. */
function csvOf(rows: readonly RunRow[]): string {
  const cell = (value: unknown) => {
    const text = String(value ?? "");
    // A leading = + - @ would be a formula in a spreadsheet.
    return `"${(/^[=+\-@]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  };
  const head = ["run_id", "status", "started", "seconds", "nodes", "tokens", "cost", "currency", "user", "source", "input", "error"];
  const lines = rows.map(({ run, by, source }) =>
    [
      run.id,
      run.status,
      new Date(run.created_at * 1000).toISOString(),
      run.elapsed_time,
      run.total_steps,
      run.total_tokens,
      run.total_price,
      run.currency,
      by,
      source,
      run.input_preview,
      run.error,
    ]
      .map(cell)
      .join(","),
  );
  return [head.join(","), ...lines].join("\r\n");
}
