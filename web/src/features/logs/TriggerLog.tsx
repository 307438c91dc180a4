/** What has come to the triggers of a workflow: requests and due times, each with the run it started. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ListFilter, Zap } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Trigger, type TriggerEvent, triggerEvents, triggerList } from "../../data/triggers";
import { useFormat } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import { useMedia } from "../../lib/media";
import { Button } from "../../ui/Button";
import { Menu } from "../../ui/Menu";
import { NodeTile } from "../../ui/NodeTile";
import { Rows } from "../../ui/Rows";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { FilterBar } from "./FilterBar";
import { type ListProps, type ListSize, useActive, useListSize } from "./list";
import { Foot } from "./RunList";
import { RunMark } from "./RunMark";
import { startedAt } from "./times";

const COLUMNS = {
  phone: { gridTemplateColumns: "16px 62px minmax(0, 1fr) 66px" },
  narrow: { gridTemplateColumns: "16px 74px minmax(0, 150px) minmax(0, 1fr) 66px" },
  wide: { gridTemplateColumns: "16px 150px minmax(0, 220px) minmax(0, 1fr) 90px" },
};

const field = (value: unknown, key: string): unknown => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined);

/** The request in one line, or the time that came. */
function whatCame(event: TriggerEvent, dateTime: (unix: number) => string): string {
  const due = field(event.trigger_data, "due_at");
  if (typeof due === "number") return dateTime(due);
  const method = field(event.trigger_data, "method");
  const body = field(event.trigger_data, "body");
  const text = typeof body === "string" ? body : body === null || body === undefined ? "" : JSON.stringify(body);
  return [typeof method === "string" ? method : "", text.slice(0, 200)].filter(Boolean).join(" ");
}

export function TriggerLog({ app, search, onSearch, beside, lead }: ListProps) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const size = useListSize(beside);
  const height = useMedia("(pointer: coarse)") ? 44 : 36;
  const [live, setLive] = useState(false);
  const triggers = useQuery(triggerList(app.id)).data ?? [];
  const list = useInfiniteQuery(triggerEvents(app.id, search.trigger, live));
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.data) ?? [], [list.data]);
  const ids = useMemo(() => rows.map((row) => row.id), [rows]);
  const [active, setActive] = useActive(ids, search.event);
  const open = (event: string | undefined, replace?: boolean) => onSearch({ event, run: undefined, node: undefined }, replace);
  const move = (by: number) => {
    const next = Math.max(0, Math.min(ids.length - 1, active + by));
    setActive(next);
    if (beside && ids[next]) open(ids[next], true);
  };
  useKeys({ j: () => move(1), k: () => move(-1), Enter: () => (ids[active] ? open(ids[active]) : undefined) });
  const chosen = triggers.find((each) => each.node_id === search.trigger);
  const all = () => onSearch({ trigger: undefined }, true);
  const tokens = search.trigger ? [{ key: "trigger", name: t("filter.triggerIs"), value: chosen?.title ?? t("trigger.gone"), onRemove: all }] : [];
  return (
    <>
      <FilterBar
        lead={lead}
        tokens={tokens}
        words=""
        onWords={undefined}
        placeholder={t("filter.byTrigger")}
        range={undefined}
        onRange={undefined}
        live={live}
        onLive={() => setLive(!live)}
      >
        {triggers.length > 0 ? (
          <Menu
            trigger={<Button icon={ListFilter}>{t("filter.add")}</Button>}
            entries={[
              { key: "head", head: t("filter.trigger") },
              { key: "all", label: t("filter.allTriggers"), checked: !search.trigger, onSelect: all },
              ...triggers.map((each) => ({
                key: each.id,
                label: each.title,
                checked: search.trigger === each.node_id,
                onSelect: () => onSearch({ trigger: each.node_id }),
              })),
            ]}
          />
        ) : null}
      </FilterBar>
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
          {search.trigger ? (
            <Empty icon={ListFilter} title={t("empty.filter")}>
              <Button onClick={all}>{c("common.clearFilter")}</Button>
            </Empty>
          ) : (
            <Empty icon={Zap} cat="flow" title={t("empty.events")} text={t(triggers.length > 0 ? "empty.eventsText" : "empty.noTriggers")}>
              <Link to="/app/$appId/workflow" params={{ appId: app.id }} className="btn">
                {t("empty.openStudio")}
              </Link>
            </Empty>
          )}
        </div>
      ) : (
        <Rows
          count={rows.length}
          height={height}
          active={active}
          label={t("view.triggers")}
          head={<Head size={size} />}
          row={(index) => {
            const row = rows[index];
            if (!row) return null;
            const trigger = triggers.find((each) => each.node_id === row.node_id);
            return <Row event={row} trigger={trigger} size={size} active={index === active} open={row.id === search.event} onOpen={() => open(row.id)} />;
          }}
          onEnd={list.hasNextPage && !list.isFetchingNextPage ? () => void list.fetchNextPage() : undefined}
        />
      )}
      <Foot text={list.data ? t(list.hasNextPage ? "eventsMore" : "events", { count: rows.length }) : ""} fetching={list.isFetching} />
    </>
  );
}

function Head({ size }: { size: ListSize }) {
  const { t } = useTranslation("logs");
  return (
    <div role="row" className="th px-5 max-md:px-4" style={COLUMNS[size]}>
      <span role="columnheader" aria-label={t("col.status")} />
      <span role="columnheader">{t("col.came")}</span>
      {size === "phone" ? null : <span role="columnheader">{t("col.trigger")}</span>}
      <span role="columnheader">{t("col.event")}</span>
      <span role="columnheader" className="text-end">
        {t("col.time")}
      </span>
    </div>
  );
}

interface RowProps {
  readonly event: TriggerEvent;
  readonly trigger: Trigger | undefined;
  readonly size: ListSize;
  readonly active: boolean;
  readonly open: boolean;
  readonly onOpen: () => void;
}

function Row({ event, trigger, size, active, open, onOpen }: RowProps) {
  const { t } = useTranslation("logs");
  const format = useFormat();
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: J, K and Enter move and open; the event is a button for everyone else
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
        <RunMark status={event.status} />
      </span>
      <span role="cell" className="num text-ink-2">
        {startedAt(event.triggered_at, format, size === "wide")}
      </span>
      {size === "phone" ? null : (
        <span role="cell" className="flex items-center gap-2 min-w-0">
          <NodeTile kind={event.trigger_type} />
          <span className="truncate">{trigger?.title ?? t("trigger.gone")}</span>
        </span>
      )}
      <span role="cell" className="min-w-0 flex">
        <button type="button" className={`truncate text-start${event.error ? " text-danger" : ""}`} onClick={onOpen}>
          {event.error ?? (whatCame(event, format.dateTime) || t("trigger.nothing"))}
        </button>
      </span>
      <span role="cell" className="num text-end text-ink-2">
        {event.elapsed_time === null ? "–" : format.duration(event.elapsed_time)}
      </span>
    </div>
  );
}
