/** Runs and conversations of an app, with the chosen one beside the list. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ChevronLeft, ChevronRight, RefreshCw, ScrollText, Search, ThumbsDown, ThumbsUp } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AppDetail } from "../../data/apps";
import { type Conversation, conversations, type LogFilter, PAGE, type RunRow, runLog, testRuns } from "../../data/logs";
import { profile } from "../../data/session";
import { type Format, useFormat } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import { Button, IconButton } from "../../ui/Button";
import { Input } from "../../ui/Input";
import { Kbd } from "../../ui/Kbd";
import { StateIcon } from "../../ui/RunState";
import { Segmented } from "../../ui/Segmented";
import { Select } from "../../ui/Select";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { ConversationPanel } from "./ConversationPanel";
import { RunPanel } from "./RunPanel";

export interface LogsSearch {
  readonly source?: "test" | undefined;
  readonly status?: string | undefined;
  readonly days?: number | undefined;
  readonly q?: string | undefined;
  readonly page?: number | undefined;
  readonly run?: string | undefined;
  readonly conversation?: string | undefined;
}

interface Props {
  readonly app: AppDetail;
  readonly search: LogsSearch;
  readonly onSearch: (change: Partial<LogsSearch>) => void;
}

interface Row {
  readonly id: string;
  readonly key: "run" | "conversation";
  readonly status: string;
  readonly at: number;
  readonly text: string;
  readonly run?: RunRow;
  readonly chat?: Conversation;
}

const STATES = ["succeeded", "failed", "stopped", "partial-succeeded", "running"];
const PERIODS = [1, 7, 28, 0];
const DAYS = 7;

function useRows(app: AppDetail, search: LogsSearch) {
  const { t } = useTranslation("logs");
  const zone = useQuery(profile).data?.timezone ?? "UTC";
  const test = search.source === "test";
  const workflow = app.mode === "workflow";
  const filter: LogFilter = { status: search.status, days: search.days ?? DAYS, q: search.q, page: search.page ?? 1 };
  const runs = useQuery({ ...runLog(app.id, filter), enabled: workflow && !test });
  const tests = useQuery({ ...testRuns(app.id, app.mode, search.status), enabled: test });
  const chats = useQuery({ ...conversations(app.id, app.mode, filter, zone), enabled: !workflow && !test });
  const query = test ? tests : workflow ? runs : chats;
  const who = (run: Pick<RunRow, "created_by_account" | "created_by_end_user">) =>
    run.created_by_account?.name ?? run.created_by_end_user?.session_id ?? t("endUser");
  const rows: Row[] = test
    ? (tests.data?.data ?? []).map((run) => ({ id: run.id, key: "run", status: run.status, at: run.created_at, text: who(run), run }))
    : workflow
      ? (runs.data?.data ?? []).map((entry) => ({
          id: entry.workflow_run.id,
          key: "run",
          status: entry.workflow_run.status,
          at: entry.created_at,
          text: who(entry),
          run: entry.workflow_run,
        }))
      : (chats.data?.data ?? []).map((chat) => ({
          id: chat.id,
          key: "conversation",
          status: (chat.status_count?.failed ?? 0) > 0 ? "failed" : "succeeded",
          at: chat.updated_at,
          text: chat.name || chat.summary || t("unnamed"),
          chat,
        }));
  const total = test ? rows.length : workflow ? (runs.data?.total ?? 0) : (chats.data?.total ?? 0);
  return { query, rows, total, test };
}

export function LogsPage({ app, search, onSearch }: Props) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const { query, rows, total, test } = useRows(app, search);
  const open = search.run ?? search.conversation;
  const graph = app.mode === "workflow" || app.mode === "advanced-chat";
  const withStates = test || app.mode === "workflow";
  const show = (row: Row | undefined) =>
    row ? onSearch(row.key === "run" ? { run: row.id, conversation: undefined } : { conversation: row.id, run: undefined }) : undefined;
  const close = () => onSearch({ run: undefined, conversation: undefined });
  const at = rows.findIndex((row) => row.id === open);
  const find = useRef<HTMLInputElement>(null);
  useKeys({
    j: () => show(rows[Math.min(rows.length - 1, at + 1)]),
    k: () => show(rows[Math.max(0, at - 1)]),
    Escape: close,
    "/": () => find.current?.focus(),
  });
  const page = search.page ?? 1;
  return (
    <div className="flex flex-1 min-h-0">
      <section className="flex flex-col flex-1 min-w-0" aria-label={t("title")}>
        <div className="flex items-center gap-2 px-4.5 py-3 flex-wrap">
          {graph ? (
            <Segmented
              label={t("source.label")}
              value={test ? "test" : "live"}
              onChange={(source) => onSearch({ source: source === "test" ? "test" : undefined, page: undefined, run: undefined, conversation: undefined })}
              segments={[
                { value: "live", label: t("source.live") },
                { value: "test", label: t("source.test") },
              ]}
            />
          ) : null}
          {test ? <div className="flex-1" /> : <FindBox ref={find} value={search.q ?? ""} onChange={(q) => onSearch({ q: q || undefined, page: undefined })} />}
          {withStates ? (
            <Select
              className="w-auto"
              aria-label={t("status.label")}
              value={search.status ?? "all"}
              onChange={(status) => onSearch({ status: status === "all" ? undefined : status, page: undefined })}
              options={["all", ...STATES].map((value) => ({ value, label: t(`status.${value}`) }))}
            />
          ) : null}
          {test ? null : (
            <Select
              className="w-auto"
              aria-label={t("period.label")}
              value={String(search.days ?? DAYS)}
              onChange={(days) => onSearch({ days: Number(days) === DAYS ? undefined : Number(days), page: undefined })}
              options={PERIODS.map((days) => ({ value: String(days), label: t(`period.${days}`) }))}
            />
          )}
          <IconButton
            kind="default"
            icon={RefreshCw}
            label={t("refresh")}
            busy={query.isFetching}
            onClick={() => void client.invalidateQueries({ queryKey: ["logs", app.id] })}
          />
        </div>
        <div className="flex-1 min-h-0 overflow-auto">
          {query.isPending ? (
            <div className="px-4.5">
              <SkeletonRows rows={10} height={35} slow={c("common.slow")} label={c("common.loading")} />
            </div>
          ) : query.error ? (
            <div className="px-4.5">
              <Failed
                title={t("failed")}
                text={messageOf(query.error)}
                retry={{ label: c("common.retry"), onClick: () => void query.refetch() }}
                details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(query.error) }}
              />
            </div>
          ) : rows.length === 0 ? (
            <div className="px-4.5">
              <Empty
                icon={ScrollText}
                title={t("empty.title")}
                text={t(search.q || search.status ? "empty.filtered" : test ? "empty.test" : app.mode === "workflow" ? "empty.text" : "empty.chat")}
              >
                {!test && (search.q || search.status || search.days !== 0) ? (
                  <Button onClick={() => onSearch({ q: undefined, status: undefined, days: 0 })}>{t("period.0")}</Button>
                ) : null}
              </Empty>
            </div>
          ) : (
            <Rows rows={rows} open={open} narrow={open !== undefined} onOpen={show} />
          )}
        </div>
        <footer className="flex items-center gap-3 px-4.5 h-9.5 flex-none border-t border-line-1 text-12 text-ink-3">
          <span className="num">{query.data ? t("total", { count: total }) : ""}</span>
          {!test && total > PAGE ? (
            <>
              <IconButton size="sm" icon={ChevronLeft} label={t("prev")} disabled={page <= 1} onClick={() => onSearch({ page: page - 1 })} />
              <span className="num">{t("page", { page })}</span>
              <IconButton size="sm" icon={ChevronRight} label={t("next")} disabled={page * PAGE >= total} onClick={() => onSearch({ page: page + 1 })} />
            </>
          ) : null}
          <span className="ms-auto flex items-center gap-1.5">
            <Kbd keys="J" />
            <Kbd keys="K" /> {t("move")}
          </span>
        </footer>
      </section>
      {open ? (
        <aside className="flex flex-col min-h-0 border-s border-line-1 bg-surface-1" style={{ width: "min(640px, 50%)" }}>
          {search.run ? <RunPanel key={search.run} appId={app.id} runId={search.run} onClose={close} /> : null}
          {search.conversation && !search.run ? (
            <ConversationPanel
              key={search.conversation}
              appId={app.id}
              mode={app.mode}
              id={search.conversation}
              row={rows.find((row) => row.id === search.conversation)?.chat}
              onClose={close}
            />
          ) : null}
        </aside>
      ) : null}
    </div>
  );
}

function FindBox({ value, onChange, ref }: { value: string; onChange: (text: string) => void; ref: React.Ref<HTMLInputElement> }) {
  const { t } = useTranslation("logs");
  const [text, setText] = useState(value);
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => latest.current(text), 300);
    return () => clearTimeout(timer);
  }, [text, value]);
  return (
    <div className="flex-1 min-w-[160px]">
      <Input
        ref={ref}
        icon={Search}
        aria-label={t("find")}
        placeholder={t("find")}
        value={text}
        onChange={(event) => setText(event.target.value)}
        end={<Kbd keys="/" />}
      />
    </div>
  );
}

interface RowsProps {
  readonly rows: readonly Row[];
  readonly open: string | undefined;
  readonly narrow: boolean;
  readonly onOpen: (row: Row) => void;
}

function Rows({ rows, open, narrow, onOpen }: RowsProps) {
  const { t } = useTranslation("logs");
  const format = useFormat();
  const chat = rows[0]?.key === "conversation";
  const columns = {
    gridTemplateColumns: chat
      ? `20px minmax(140px, 1fr) ${narrow ? "" : "150px "}80px 80px 110px`
      : `20px 150px minmax(80px, 1fr) ${narrow ? "" : "120px "}70px 80px 90px`,
  };
  const heads = chat
    ? ["name", ...(narrow ? [] : ["by"]), "messages", "rating", "updated"]
    : ["started", "by", ...(narrow ? [] : ["version"]), "steps", "time", "tokens"];
  const right = new Set(["messages", "rating", "steps", "time", "tokens"]);
  return (
    <div role="table" aria-label={t("title")}>
      <div role="row" className="th px-4.5" style={columns}>
        <span />
        {heads.map((key) => (
          <span key={key} role="columnheader" className={right.has(key) ? "text-end" : ""}>
            {t(`col.${key}`)}
          </span>
        ))}
      </div>
      {rows.map((row) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the button inside opens it by keyboard; J and K move
        <div
          key={row.id}
          role="row"
          className="td px-4.5"
          style={{ ...columns, minHeight: 35 }}
          aria-selected={row.id === open}
          data-active={row.id === open}
          onClick={() => onOpen(row)}
        >
          <span role="cell">
            <StateIcon status={row.status} label={t(`status.${row.status}`, { defaultValue: row.status })} />
          </span>
          {row.chat ? (
            <ChatCells chat={row.chat} text={row.text} narrow={narrow} format={format} />
          ) : row.run ? (
            <RunCells run={row.run} at={row.at} text={row.text} narrow={narrow} format={format} />
          ) : null}
        </div>
      ))}
    </div>
  );
}

function RunCells({ run, at, text, narrow, format }: { run: RunRow; at: number; text: string; narrow: boolean; format: Format }) {
  const { t } = useTranslation("logs");
  const time = format.dateTime(at);
  return (
    <>
      <button type="button" role="cell" className="num text-start" aria-label={t("open", { time })} title={time}>
        {Date.now() / 1000 - at < 86_400 ? format.time(at) : time}
      </button>
      <span role="cell" className="truncate text-ink-2">
        {text}
      </span>
      {narrow ? null : (
        <span role="cell" className="truncate text-ink-3">
          {run.version === "draft" ? t("run.draft") : (run.version ?? "").slice(0, 16)}
        </span>
      )}
      <span role="cell" className="num text-end text-ink-2">
        {format.number(run.total_steps ?? 0)}
      </span>
      <span role="cell" className={`num text-end ${run.status === "failed" ? "text-danger" : ""}`}>
        {run.elapsed_time === null ? "–" : format.duration(run.elapsed_time)}
      </span>
      <span role="cell" className="num text-end text-ink-2">
        {format.number(run.total_tokens ?? 0)}
      </span>
    </>
  );
}

function ChatCells({ chat, text, narrow, format }: { chat: Conversation; text: string; narrow: boolean; format: Format }) {
  const { t } = useTranslation("logs");
  const likes = (chat.user_feedback_stats?.like ?? 0) + (chat.admin_feedback_stats?.like ?? 0);
  const dislikes = (chat.user_feedback_stats?.dislike ?? 0) + (chat.admin_feedback_stats?.dislike ?? 0);
  return (
    <>
      <button type="button" role="cell" className="truncate text-start" aria-label={t("openChat", { name: text })}>
        {text}
      </button>
      {narrow ? null : (
        <span role="cell" className="truncate text-ink-2">
          {chat.from_account_name ?? chat.from_end_user_session_id ?? t("endUser")}
        </span>
      )}
      <span role="cell" className="num text-end">
        {format.number(chat.message_count)}
      </span>
      <span role="cell" className="num flex gap-2 justify-end text-ink-2 items-center">
        {likes > 0 ? (
          <span className="inline-flex items-center gap-1">
            <ThumbsUp size={12} strokeWidth={2} aria-label={t("chat.like")} />
            {likes}
          </span>
        ) : null}
        {dislikes > 0 ? (
          <span className="inline-flex items-center gap-1 text-danger">
            <ThumbsDown size={12} strokeWidth={2} aria-label={t("chat.dislike")} />
            {dislikes}
          </span>
        ) : null}
      </span>
      <time role="cell" className="text-ink-2" title={format.dateTime(chat.updated_at)} dateTime={new Date(chat.updated_at * 1000).toISOString()}>
        {format.ago(chat.updated_at)}
      </time>
    </>
  );
}
