/** One conversation beside the list, with ratings and the trace of each answer. */
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Activity, CircleX, ThumbsDown, ThumbsUp, Trash2, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import type { Mode } from "../../data/apps";
import { type Conversation, deleteConversation, type Message, messagesBefore, rate } from "../../data/logs";
import { useFormat } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { Confirm } from "../../ui/Dialog";
import { Badge } from "../../ui/Marks";
import { Prose } from "../../ui/Prose";
import { Failed, SkeletonRows } from "../../ui/States";
import { RunPanel } from "./RunPanel";

interface Props {
  readonly appId: string;
  readonly mode: Mode;
  readonly id: string;
  readonly row: Conversation | undefined;
  readonly onClose: () => void;
}

export function ConversationPanel({ appId, mode, id, row, onClose }: Props) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const [run, setRun] = useState<string>();
  const [deleting, setDeleting] = useState(false);
  const list = useInfiniteQuery({
    queryKey: ["logs", appId, "messages", id],
    queryFn: ({ pageParam }) => messagesBefore(appId, id, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => (last.has_more ? last.data[0]?.id : undefined),
  });
  const drop = useMutation({
    mutationFn: () => deleteConversation(appId, mode, id),
    onSuccess: async () => {
      setDeleting(false);
      onClose();
      toast(t("chat.deleted"));
      await client.invalidateQueries({ queryKey: ["logs", appId, "conversations"] });
    },
    onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
  });
  if (run) return <RunPanel appId={appId} runId={run} back={t("chat.back")} onClose={() => setRun(undefined)} />;
  const messages = (list.data?.pages ?? []).toReversed().flatMap((page) => page.data);
  const inputs = Object.entries(messages[0]?.inputs ?? {}).filter(([, value]) => value !== "" && value !== null);
  return (
    <section className="flex flex-col min-h-0 flex-1" aria-label={row?.name ?? t("unnamed")}>
      <header className="flex items-center gap-2 px-4.5 h-11 flex-none border-b border-line-1">
        <span className="font-semibold truncate">{row?.name || t("unnamed")}</span>
        <CopyButton text={id} label={t("run.copyId")} done={c("common.copied")} />
        <div className="flex-1" />
        <IconButton size="sm" icon={Trash2} label={t("chat.delete")} onClick={() => setDeleting(true)} />
        <IconButton size="sm" icon={X} label={t("run.close")} onClick={onClose} />
      </header>
      <div className="flex-1 min-h-0 overflow-auto px-4.5 py-4 flex flex-col gap-4">
        {list.isPending ? <SkeletonRows rows={4} height={56} slow={c("common.slow")} label={t("chat.loading")} /> : null}
        {list.error ? (
          <Failed
            title={t("failed")}
            text={messageOf(list.error)}
            retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
            details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
          />
        ) : null}
        {list.hasNextPage ? (
          <Button className="self-center" size="sm" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t("chat.older")}
          </Button>
        ) : null}
        {inputs.length > 0 ? (
          <dl className="card p-3 grid gap-x-4 gap-y-1" style={{ gridTemplateColumns: "auto 1fr" }}>
            {inputs.map(([key, value]) => (
              <div key={key} className="contents">
                <dt className="mono text-ink-3">{key}</dt>
                <dd style={{ overflowWrap: "anywhere" }}>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
              </div>
            ))}
          </dl>
        ) : null}
        {messages.map((message) => (
          <MessageView key={message.id} appId={appId} conversation={id} message={message} onRun={setRun} />
        ))}
      </div>
      <Confirm
        open={deleting}
        title={t("chat.deleteTitle")}
        text={t("chat.deleteText")}
        confirm={c("common.delete")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setDeleting(false)}
        onConfirm={() => drop.mutate()}
      />
    </section>
  );
}

function MessageView({ appId, conversation, message, onRun }: { appId: string; conversation: string; message: Message; onRun: (run: string) => void }) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const mine = message.feedbacks.find((f) => f.from_source === "admin")?.rating;
  const theirs = message.feedbacks.find((f) => f.from_source === "user");
  const vote = useMutation({
    mutationFn: (rating: "like" | "dislike") => rate(appId, message.id, mine === rating ? null : rating),
    onSuccess: () => client.invalidateQueries({ queryKey: ["logs", appId, "messages", conversation] }),
    onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
  });
  const tokens = message.message_tokens + message.answer_tokens;
  const run = message.workflow_run_id;
  return (
    <article className="flex flex-col gap-2">
      {message.query ? (
        <div className="self-end bg-surface-4 rounded-lg px-3 py-2 max-w-[85%] whitespace-pre-wrap" style={{ overflowWrap: "anywhere" }}>
          {message.query}
        </div>
      ) : null}
      {message.answer ? <Prose text={message.answer} /> : null}
      {message.error ? (
        <div className="banner" data-tone="bad">
          <CircleX size={16} aria-hidden />
          <span style={{ overflowWrap: "anywhere" }}>
            <b className="font-semibold">{t("chat.errorTitle")}</b> {message.error}
          </span>
        </div>
      ) : null}
      <div className="flex items-center gap-3 text-12 text-ink-3 num flex-wrap">
        <time dateTime={new Date(message.created_at * 1000).toISOString()}>{format.dateTime(message.created_at)}</time>
        {message.provider_response_latency > 0 ? <span>{t("chat.latency", { time: format.duration(message.provider_response_latency) })}</span> : null}
        {tokens > 0 ? <span>{t("chat.tokens", { count: tokens })}</span> : null}
        {theirs ? (
          <Badge tone={theirs.rating === "like" ? "ok" : "bad"}>{t(theirs.rating === "like" ? "chat.visitorLiked" : "chat.visitorDisliked")}</Badge>
        ) : null}
        {theirs?.content ? <span>{theirs.content}</span> : null}
        <div className="flex-1" />
        <IconButton
          size="sm"
          icon={ThumbsUp}
          label={t("chat.like")}
          aria-pressed={mine === "like"}
          disabled={vote.isPending}
          onClick={() => vote.mutate("like")}
        />
        <IconButton
          size="sm"
          icon={ThumbsDown}
          label={t("chat.dislike")}
          aria-pressed={mine === "dislike"}
          disabled={vote.isPending}
          onClick={() => vote.mutate("dislike")}
        />
        {run ? (
          <Button size="sm" kind="quiet" icon={Activity} onClick={() => onRun(run)}>
            {t("chat.trace")}
          </Button>
        ) : null}
      </div>
    </article>
  );
}
