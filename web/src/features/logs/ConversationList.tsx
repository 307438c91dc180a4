import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { ArrowDownWideNarrow, CircleX, ListFilter, MessageSquare, MessageSquareQuote, ThumbsDown, ThumbsUp } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { siteUrl } from "../../data/apps";
import { profile } from "../../data/session";
import { useFormat } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import { useMedia } from "../../lib/media";
import { consoleTime } from "../../lib/zone";
import { Button, IconButton } from "../../ui/Button";
import { Dot } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";
import { Rows } from "../../ui/Rows";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { type Conversation, conversationList, titleOf } from "./api";
import { ExportMenu } from "./ExportMenu";
import { FilterBar, isoTime, spanToken, type Token } from "./FilterBar";
import { Histogram } from "./Histogram";
import { type ListProps, type ListSize, useActive, useListSize } from "./list";
import { Foot } from "./RunList";
import { chosenSpan, DEFAULT_RANGE, rangeStart } from "./search";
import { startedAt } from "./times";

const COLUMNS = {
  phone: { gridTemplateColumns: "8px minmax(0, 1fr) 54px 66px" },
  narrow: { gridTemplateColumns: "8px minmax(0, 1fr) 130px 44px 60px 84px" },
  wide: { gridTemplateColumns: "8px minmax(0, 1fr) 190px 80px 90px 150px" },
};
const SORTS = ["-updated_at", "-created_at", "updated_at", "created_at"] as const;

export function ConversationList({ app, search, onSearch, beside, lead }: ListProps) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const [live, setLive] = useState(false);
  const zone = useQuery(profile).data?.timezone || "UTC";
  const range = search.range ?? DEFAULT_RANGE;
  const sort = search.sort ?? "-updated_at";
  const form = app.mode === "completion";
  const room = useListSize(beside);
  // The titles tell most: they keep their place before who wrote and how much.
  const tight = useMedia("(max-width: 1180px)");
  const size: ListSize = beside && tight ? "phone" : room;
  const format = useFormat();
  const from = useMemo(() => rangeStart(range, Date.now()) ?? new Date(app.created_at * 1000), [range, app.created_at]);
  const span = chosenSpan(search);
  const start = span ? consoleTime(new Date(span.since * 1000), zone) : range === "all" ? undefined : consoleTime(from, zone);
  // Whole minutes only: the last one is taken in.
  const end = span && consoleTime(new Date(span.until * 1000 + 59_000), zone);
  const list = useInfiniteQuery(conversationList(app.id, app.mode, { keyword: search.q, start, end, sort, annotated: search.annotated }, live));
  const items = useMemo(() => list.data?.pages.flatMap((page) => page.data) ?? [], [list.data]);
  const total = list.data?.pages[0]?.total ?? 0;
  const ids = useMemo(() => items.map((item) => item.id), [items]);
  const [active, setActive] = useActive(ids, search.chat);
  const open = (chat: string, replace?: boolean) => onSearch({ chat, run: undefined, node: undefined }, replace);
  const move = (by: number) => {
    const next = Math.max(0, Math.min(ids.length - 1, active + by));
    setActive(next);
    const id = ids[next];
    if (beside && id) open(id, true);
  };
  const enter = () => {
    const id = ids[active];
    if (id) open(id);
  };
  useKeys({ j: () => move(1), k: () => move(-1), Enter: enter });
  const tokens: Token[] = [
    ...(search.annotated
      ? [
          {
            key: "annotated",
            name: t("filter.annotatedIs"),
            value: t(`annotated.${search.annotated}`),
            onRemove: () => onSearch({ annotated: undefined }, true),
          },
        ]
      : []),
    ...(span ? [spanToken(span, t, format, () => onSearch({ since: undefined, until: undefined }, true))] : []),
  ];
  const filtered = Boolean(search.q) || tokens.length > 0 || range !== "all";
  return (
    <>
      <FilterBar
        lead={lead}
        tokens={tokens}
        words={search.q ?? ""}
        onWords={(q) => onSearch({ q: q || undefined }, true)}
        placeholder={t("filter.chatWords")}
        range={range}
        onRange={(next) => onSearch({ range: next === DEFAULT_RANGE ? undefined : next, since: undefined, until: undefined })}
        live={live}
        onLive={() => setLive(!live)}
      >
        <Menu
          trigger={<Button icon={ListFilter}>{t("filter.add")}</Button>}
          entries={[
            { key: "head", head: t("filter.annotated") },
            { key: "all", label: t("annotated.all"), checked: !search.annotated, onSelect: () => onSearch({ annotated: undefined }) },
            ...(["yes", "no"] as const).map((key) => ({
              key,
              label: t(`annotated.${key}`),
              checked: search.annotated === key,
              onSelect: () => onSearch({ annotated: key }),
            })),
          ]}
        />
        <Menu
          trigger={<IconButton kind="default" icon={ArrowDownWideNarrow} label={t("sort.label")} />}
          entries={SORTS.map((key) => ({
            key,
            label: t(`sort.${key}`),
            checked: key === sort,
            onSelect: () => onSearch({ sort: key === "-updated_at" ? undefined : key }),
          }))}
        />
        <ExportMenu
          app={app}
          filter={{
            keyword: search.q,
            created_at__after: span ? isoTime(span.since) : range === "all" ? undefined : from.toISOString(),
            created_at__before: span && isoTime(span.until),
            annotation_status: search.annotated && (search.annotated === "yes" ? "annotated" : "not_annotated"),
          }}
        />
      </FilterBar>
      <Histogram
        appId={app.id}
        after={from.toISOString()}
        keyword={search.q}
        status={undefined}
        live={live}
        chosen={span}
        onChoose={(next) => onSearch({ since: next?.since, until: next?.until }, true)}
      />
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
      ) : items.length === 0 ? (
        <div className="p-5 flex-1">
          {filtered ? (
            <Empty icon={ListFilter} title={search.q ? t("empty.words", { words: search.q }) : t("empty.filter")} text={t("empty.filterText")}>
              <Button onClick={() => onSearch({ q: undefined, since: undefined, until: undefined, annotated: undefined, range: "all" })}>
                {c("common.clearFilter")}
              </Button>
            </Empty>
          ) : (
            <Empty icon={MessageSquare} cat="acc" title={t("empty.chats")} text={t("empty.chatsText")}>
              {app.enable_site ? (
                <a className="btn" data-kind="primary" href={siteUrl(app)} target="_blank" rel="noreferrer">
                  {t("empty.openPage")}
                </a>
              ) : null}
            </Empty>
          )}
        </div>
      ) : (
        <Rows
          count={items.length}
          height={size === "phone" ? 44 : 36}
          active={active}
          label={t("view.chats")}
          head={<Head size={size} />}
          row={(index) => {
            const item = items[index];
            return item ? (
              <Row item={item} form={form} size={size} active={index === active} open={item.id === search.chat} onOpen={() => open(item.id)} />
            ) : null;
          }}
          onEnd={list.hasNextPage && !list.isFetchingNextPage ? () => void list.fetchNextPage() : undefined}
        />
      )}
      <Foot text={list.data ? t("chats", { count: total }) : ""} fetching={list.isFetching} />
    </>
  );
}

function Head({ size }: { size: ListSize }) {
  const { t } = useTranslation("logs");
  return (
    <div role="row" className="th px-5 max-md:px-4" style={COLUMNS[size]}>
      <span role="columnheader" aria-label={t("col.unread")} />
      <span role="columnheader">{t("col.title")}</span>
      {size === "phone" ? null : (
        <>
          <span role="columnheader">{t("col.user")}</span>
          <span role="columnheader" className="text-end">
            {t(size === "wide" ? "col.messages" : "col.messagesShort")}
          </span>
        </>
      )}
      <span role="columnheader">{t("col.rating")}</span>
      <span role="columnheader" className="text-end">
        {t("col.updated")}
      </span>
    </div>
  );
}

function Votes({ item }: { item: Conversation }) {
  const { t } = useTranslation("logs");
  const likes = item.user_feedback_stats.like + item.admin_feedback_stats.like;
  const dislikes = item.user_feedback_stats.dislike + item.admin_feedback_stats.dislike;
  if (likes + dislikes === 0) return <span className="text-ink-3">–</span>;
  return (
    <span className="inline-flex items-center gap-2 num">
      {likes > 0 ? (
        <span className="inline-flex items-center gap-1 text-success">
          <ThumbsUp size={14} strokeWidth={1.9} role="img" aria-label={t("rating.likes")} />
          {likes}
        </span>
      ) : null}
      {dislikes > 0 ? (
        <span className="inline-flex items-center gap-1 text-danger">
          <ThumbsDown size={14} strokeWidth={1.9} role="img" aria-label={t("rating.dislikes")} />
          {dislikes}
        </span>
      ) : null}
    </span>
  );
}

function Row({
  item,
  form,
  size,
  active,
  open,
  onOpen,
}: {
  item: Conversation;
  form: boolean;
  size: ListSize;
  active: boolean;
  open: boolean;
  onOpen: () => void;
}) {
  const { t } = useTranslation("logs");
  const format = useFormat();
  const unread = item.read_at === null && !open;
  const failed = item.status_count?.failed ?? 0;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: J, K and Enter move and open; the title is a button for everyone else
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
        {unread ? (
          <>
            <Dot tone="run" />
            <span className="visually-hidden">{t("unread")}</span>
          </>
        ) : null}
      </span>
      <span role="cell" className="min-w-0 flex items-center gap-2">
        <button type="button" className={`truncate text-start ${unread ? "font-medium" : ""}`} onClick={onOpen}>
          {titleOf(item, form)}
        </button>
        {item.annotated ? <MessageSquareQuote size={14} strokeWidth={1.9} className="text-accent-ink" role="img" aria-label={t("annotated.mark")} /> : null}
        {failed > 0 ? <CircleX size={14} strokeWidth={1.9} className="text-danger" role="img" aria-label={t("failedMessages", { count: failed })} /> : null}
      </span>
      {size === "phone" ? null : (
        <>
          <span role="cell" className="truncate text-ink-2">
            {item.from_account_name ?? item.from_end_user_session_id ?? "–"}
          </span>
          <span role="cell" className="num text-end text-ink-2">
            {format.number(item.message_count)}
          </span>
        </>
      )}
      <span role="cell" className="inline-flex items-center">
        <Votes item={item} />
      </span>
      <span role="cell" className="num text-end text-ink-2">
        {startedAt(item.updated_at, format, size === "wide")}
      </span>
    </div>
  );
}
