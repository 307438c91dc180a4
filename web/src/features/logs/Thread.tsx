/** One conversation, as it was shown to the user, with what each answer took. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { CircleX, FileText, MessageSquarePlus, MessageSquareQuote, Pencil, ThumbsDown, ThumbsUp, X } from "lucide-react";
import { type ReactNode, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import type { AppDetail } from "../../data/apps";
import { useFormat } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { thoughtsFrom, withLog } from "../../lib/thoughts";
import { Button, IconButton } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { Prose } from "../../ui/Prose";
import { Failed, SkeletonRows } from "../../ui/States";
import { AnnotationDialog } from "../annotations/AnnotationDialog";
import { WindowNote } from "../runs/WindowNote";
import { Thoughts } from "../tools/Thoughts";
import { agentLog, type Conversation, conversation, type Message, messageList, titleOf, useRating } from "./api";
import { isEmptyValue } from "./Json";
import { Reason } from "./Reason";
import { priceText } from "./RunList";
import { answered } from "./spans";

interface Props {
  readonly app: AppDetail;
  readonly id: string;
  readonly onClose: () => void;
  readonly onRun: (run: string) => void;
}

export function Thread({ app, id, onClose, onRun }: Props) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const about = useQuery(conversation(app.id, app.mode, id)).data;
  const list = useInfiniteQuery(messageList(app.id, id));
  const messages = useMemo(() => (list.data?.pages ?? []).toReversed().flatMap((page) => page.data), [list.data]);
  const scroll = useRef<HTMLDivElement>(null);
  const last = messages.at(-1)?.id;
  // The newest is what one came for; earlier ones are loaded above it.
  useLayoutEffect(() => {
    if (last) scroll.current?.scrollTo({ top: scroll.current.scrollHeight });
  }, [last]);
  return (
    <>
      <header className="flex items-center gap-2 px-4 h-11 border-b border-line-1 flex-none">
        <span className="font-semibold truncate">{about ? titleOf(about, app.mode === "completion") : ""}</span>
        <span className="mono text-12 text-ink-3 truncate">{id}</span>
        <CopyButton text={id} label={t("chat.copyId")} done={c("common.copied")} />
        <span className="flex-1" />
        <IconButton icon={X} label={c("common.close")} onClick={onClose} />
      </header>
      {about ? <Facts about={about} /> : null}
      <div ref={scroll} className="flex-1 min-h-0 overflow-auto px-4 py-4 flex flex-col gap-4">
        {list.isPending ? (
          <SkeletonRows rows={6} height={60} slow={c("common.slow")} label={c("common.loading")} />
        ) : list.error ? (
          <Failed
            title={t("chat.failed")}
            text={messageOf(list.error)}
            retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
            details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
          />
        ) : (
          <>
            {list.hasNextPage ? (
              <Button className="self-center" kind="quiet" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                {t("chat.earlier")}
              </Button>
            ) : null}
            {messages.length === 0 ? <p className="hint">{t("chat.none")}</p> : null}
            {messages.map((message, index) => (
              <Exchange
                key={message.id}
                appId={app.id}
                conversationId={id}
                message={message}
                model={about?.model_config?.model?.name ?? undefined}
                form={app.mode === "completion" || index === 0}
                onRun={onRun}
              />
            ))}
          </>
        )}
      </div>
    </>
  );
}

function Facts({ about }: { about: Conversation }) {
  const { t } = useTranslation("logs");
  const format = useFormat();
  const model = about.model_config?.model?.name;
  const facts: [string, string][] = [
    ["user", about.from_account_name ?? about.from_end_user_session_id ?? t("run.none")],
    ["source", t(`source.${about.from_source}`, { defaultValue: about.from_source })],
    ["messages", format.number(about.message_count)],
    ...(model ? ([["model", model]] satisfies [string, string][]) : []),
    ["started", format.dateTime(about.created_at)],
  ];
  return (
    <dl className="facts">
      {facts.map(([key, value]) => (
        <div key={key}>
          <dt>{t(`chat.fact.${key}`)}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface ExchangeProps {
  readonly appId: string;
  readonly conversationId: string;
  readonly message: Message;
  /** The app's model. */
  readonly model: string | undefined;
  /** Show the values of the form: once per conversation, always for a form. */
  readonly form: boolean;
  readonly onRun: (run: string) => void;
}

function Exchange({ appId, conversationId, message, model, form, onRun }: ExchangeProps) {
  const { t } = useTranslation("logs");
  const values =
    typeof message.inputs === "object" && message.inputs !== null ? Object.entries(message.inputs).filter(([, value]) => !isEmptyValue(value)) : [];
  const sent = message.message_files.filter((file) => file.belongs_to !== "assistant");
  return (
    <article className="flex flex-col gap-2" aria-label={t("chat.exchange")}>
      {form && values.length > 0 ? (
        <dl className="card px-3 py-2 grid gap-x-4 gap-y-1 text-12" style={{ gridTemplateColumns: "auto minmax(0, 1fr)" }}>
          {values.map(([key, value]) => (
            <div key={key} className="contents">
              <dt className="mono text-ink-3">{key}</dt>
              <dd className="wrap-anywhere whitespace-pre-wrap">{typeof value === "string" ? value : JSON.stringify(value)}</dd>
            </div>
          ))}
        </dl>
      ) : null}
      {message.query ? <p className="self-end max-w-[80%] rounded-lg bg-surface-4 px-3 py-2 whitespace-pre-wrap wrap-anywhere">{message.query}</p> : null}
      {sent.length > 0 ? (
        <ul className="self-end flex gap-2 flex-wrap">
          {sent.map((file) => (
            <li key={file.id} className="badge">
              <FileText size={12} strokeWidth={2} aria-hidden />
              {file.url ? (
                <a href={file.url} target="_blank" rel="noreferrer" className="hover:underline">
                  {file.type}
                </a>
              ) : (
                file.type
              )}
            </li>
          ))}
        </ul>
      ) : null}
      {message.error ? (
        <p className="rounded-md bg-danger-soft px-3 py-2 flex gap-2 wrap-anywhere" role="note">
          <CircleX size={16} strokeWidth={1.75} className="text-danger mt-0.5" aria-hidden />
          {message.error}
        </p>
      ) : null}
      <Rounds appId={appId} conversationId={conversationId} message={message} />
      {message.answer ? <Prose text={message.answer} /> : null}
      <WindowNote told={message.metadata} />
      <Annotated appId={appId} message={message}>
        {(annotate) => <Meta appId={appId} conversationId={conversationId} message={message} model={model} onAnnotate={annotate} onRun={onRun} />}
      </Annotated>
    </article>
  );
}

/** What an agent did for its answer; the log of its run is read when someone looks. */
function Rounds({ appId, conversationId, message }: Pick<ExchangeProps, "appId" | "conversationId" | "message">) {
  const [open, setOpen] = useState(false);
  const stored = useMemo(() => thoughtsFrom(message.agent_thoughts), [message.agent_thoughts]);
  const log = useQuery({ ...agentLog(appId, conversationId, message.id), enabled: open }).data;
  return <Thoughts thoughts={log ? withLog(stored, log) : stored} busy={false} onOpen={() => setOpen(true)} />;
}

/** What a form was filled in with stands for the question it never asked. */
function questionOf(message: Message): string {
  if (message.query.trim() !== "") return message.query;
  const inputs = typeof message.inputs === "object" && message.inputs !== null ? Object.values(message.inputs) : [];
  const first = inputs.find((value) => typeof value === "string" && value.trim() !== "");
  return typeof first === "string" ? first : "";
}

/** The answer that should have been given, where somebody wrote one; and the way to write it. */
function Annotated({ appId, message, children }: { appId: string; message: Message; children: (annotate: () => void) => ReactNode }) {
  const { t } = useTranslation("logs");
  const [open, setOpen] = useState(false);
  const { annotation } = message;
  return (
    <>
      {annotation ? (
        <section className="rounded-md border border-line-1 bg-surface-2 px-3 py-2 flex flex-col gap-1" aria-label={t("annotated.mark")}>
          <div className="flex items-center gap-1.5 text-12 text-accent-ink font-medium">
            <MessageSquareQuote size={14} strokeWidth={1.9} aria-hidden />
            <span className="flex-1">{t("annotated.mark")}</span>
            <IconButton size="sm" icon={Pencil} label={t("annotated.edit")} onClick={() => setOpen(true)} />
          </div>
          <Prose text={annotation.content} />
        </section>
      ) : null}
      {children(() => setOpen(true))}
      {open ? (
        <AnnotationDialog
          appId={appId}
          id={annotation?.id}
          start={annotation ? { question: annotation.question, answer: annotation.content } : { question: questionOf(message), answer: message.answer }}
          messageId={message.id}
          onClose={() => setOpen(false)}
        />
      ) : null}
    </>
  );
}

function Meta({ appId, conversationId, message, model, onAnnotate, onRun }: Omit<ExchangeProps, "form"> & { onAnnotate: () => void }) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const format = useFormat();
  const rate = useRating(appId, conversationId);
  const first = message.metadata?.usage?.time_to_first_token;
  const given = message.feedbacks.find((f) => f.from_source === "admin");
  const mine = given?.rating ?? null;
  const theirs = message.feedbacks.find((f) => f.from_source !== "admin");
  const give = (rating: "like" | "dislike") =>
    rate.mutate(
      { message: message.id, rating: mine === rating ? null : rating },
      { onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })) },
    );
  const price = priceText(format, message);
  const run = message.workflow_run_id;
  const by = answered({ ...message.metadata, model_name: model });
  return (
    <div className="flex items-center gap-3 text-12 text-ink-3 num flex-wrap">
      <span>{format.time(message.created_at)}</span>
      {first ? <span>{t("chat.first", { time: format.duration(first) })}</span> : null}
      <span>{t("chat.total", { time: format.duration(message.provider_response_latency) })}</span>
      <span>{t("chat.tokens", { in: format.number(message.message_tokens), out: format.number(message.answer_tokens) })}</span>
      {price === "–" ? null : <span>{price}</span>}
      {by ? <span>{t(`run.answered.${by.how}`, { model: by.model, wanted: by.wanted, rule: by.rule })}</span> : null}
      {theirs?.rating ? (
        <span className={`inline-flex items-center gap-1 ${theirs.rating === "like" ? "text-success" : "text-danger"}`}>
          {theirs.rating === "like" ? <ThumbsUp size={12} strokeWidth={2} aria-hidden /> : <ThumbsDown size={12} strokeWidth={2} aria-hidden />}
          {t(`rating.user.${theirs.rating}`)}
          {theirs.content ? <span className="text-ink-2">“{theirs.content}”</span> : null}
        </span>
      ) : null}
      <span className="ms-auto flex items-center gap-1">
        <CopyButton text={message.answer} label={t("chat.copy")} done={c("common.copied")} />
        <IconButton size="sm" icon={ThumbsUp} label={t("rating.like")} aria-pressed={mine === "like"} disabled={rate.isPending} onClick={() => give("like")} />
        <IconButton
          size="sm"
          icon={ThumbsDown}
          label={t("rating.dislike")}
          aria-pressed={mine === "dislike"}
          disabled={rate.isPending}
          onClick={() => give("dislike")}
        />
        {mine ? (
          <Reason
            text={given?.content ?? ""}
            busy={rate.isPending}
            onSave={(content) =>
              rate.mutate(
                { message: message.id, rating: mine, content },
                { onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })) },
              )
            }
          />
        ) : null}
        {message.annotation ? null : <IconButton size="sm" icon={MessageSquarePlus} label={t("annotated.add")} onClick={onAnnotate} />}
        {run ? (
          <button type="button" className="link px-1" onClick={() => onRun(run)}>
            {t("chat.trace")}
          </button>
        ) : null}
      </span>
    </div>
  );
}
