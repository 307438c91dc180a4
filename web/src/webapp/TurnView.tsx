/** One question and its answer. */

import { lazy, memo, type ReactNode, Suspense, useState } from "react";
import { SentFiles } from "./Attachments";
import type { Chat } from "./chat";
import { Check, ChevronLeft, ChevronRight, CircleAlert, Copy, RefreshCw, ThumbsDown, ThumbsUp, WifiOff } from "./icons";
import { Prose } from "./Prose";
import { SiteIcon } from "./SiteIcon";
import { SourceCards, SourceLine } from "./Sources";
import { Steps } from "./Steps";
import { type Branch, type Failure, isBusy, sentenceEnd, type Turn } from "./turns";
import { useCopy } from "./useCopy";
import { Waiting } from "./Waiting";
import type { Site } from "./wire";
import { type Say, useSay } from "./words";

const ApprovalCard = lazy(() => import("./ApprovalCard"));
const Thoughts = lazy(() => import("./Thoughts").then((m) => ({ default: m.Thoughts })));
const SourceDialog = lazy(() => import("./SourceDialog"));
const ReadAloud = lazy(() => import("./ReadAloud"));
const Why = lazy(() => import("./Why"));

interface TurnProps {
  readonly chat: Chat;
  readonly threadKey: string;
  readonly site: Site;
  readonly turn: Turn;
  readonly index: number;
  readonly versions: Branch["versions"];
  /** Something runs in this thread: no second run beside it. */
  readonly locked: boolean;
}

const calm = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

export const TurnView = memo(function TurnView({ chat, threadKey, site, turn, index, versions, locked }: TurnProps): ReactNode {
  const say = useSay();
  const [source, setSource] = useState<number | null>(null);
  const busy = isBusy(turn);
  const shown = busy && calm() ? turn.answer.slice(0, sentenceEnd(turn.answer)) : turn.answer;
  const hasAnswer = shown !== "";
  return (
    <>
      <article className="question" aria-label={say("turn.question")}>
        <SentFiles files={turn.files} />
        <div className="bubble" dir="auto">
          {turn.query}
        </div>
      </article>
      <article className="answer" aria-label={say("turn.answer", { app: site.title })} aria-busy={busy}>
        {site.iconOnAnswers && (
          <div className="answer-icon">
            <SiteIcon site={site} size={24} />
          </div>
        )}
        {site.showSteps && <Steps steps={turn.steps} busy={busy} />}
        {turn.thoughts.length > 0 && (
          <Suspense>
            <Thoughts thoughts={turn.thoughts} busy={busy} />
          </Suspense>
        )}
        {!busy && <SourceLine sources={turn.sources} onOpen={setSource} />}
        {hasAnswer && <Prose text={shown} caret={busy} sources={turn.sources.length} onCite={setSource} />}
        {busy && !hasAnswer && turn.approvals.length === 0 && (
          <p className="waiting">
            <span className="caret" />
            <span className="slow">{say("turn.slow")}</span>
          </p>
        )}
        <SentFiles files={turn.answerFiles} />
        {!busy && <SourceCards sources={turn.sources} onOpen={setSource} />}
        {busy && turn.approvals.length > 0 && (
          <Suspense>
            {turn.approvals.map((asked) => (
              <ApprovalCard key={asked.id} asked={asked} send={chat.answerApproval} />
            ))}
          </Suspense>
        )}
        {(turn.state === "paused" || (busy && turn.asks.length > 0)) && <Waiting asks={turn.asks} waits={turn.state === "paused"} />}
        {!busy && <Outcome turn={turn} locked={locked} resend={() => chat.resend(threadKey, turn)} />}
        {!busy && <Actions chat={chat} threadKey={threadKey} turn={turn} index={index} versions={versions} locked={locked} />}
        {source !== null && (
          <Suspense>
            <SourceDialog sources={turn.sources} position={source} onClose={() => setSource(null)} />
          </Suspense>
        )}
      </article>
    </>
  );
});

/** The sentence for a failure that the reader can do something about; else the server's own words. */
function failureText(say: Say, failure: Failure | null): string {
  const known: Readonly<Record<string, string>> = {
    rate_limit: "failure.busy",
    too_many_requests: "failure.busy",
    rate_limit_error: "failure.busy",
    not_found: "failure.gone",
    conversation_completed: "failure.completed",
    provider_not_initialize: "failure.model",
    provider_quota_exceeded: "failure.quota",
    model_currently_not_support: "failure.model",
    completion_request_error: "failure.provider",
    app_unavailable: "failure.unavailable",
    internal_server_error: "failure.server",
  };
  const key = /^Site /.test(failure?.message ?? "") ? "failure.unavailable" : known[failure?.code ?? ""];
  return key ? say(key) : say("failure.other");
}

function Outcome({ turn, locked, resend }: { turn: Turn; locked: boolean; resend: () => void }): ReactNode {
  const say = useSay();
  const button = (
    <button type="button" className="button" disabled={locked} onClick={resend}>
      {say("action.resend")}
    </button>
  );
  // `TurnView` shows what a waiting run asks.
  if (turn.state === "paused") return null;
  if (turn.state === "stopped") return <p className="note">{say("turn.stopped")}</p>;
  if (turn.state === "lost") {
    return (
      <div className="outcome lost" role="alert">
        <WifiOff size={16} />
        <span className="grow">{say(turn.id ? "turn.lostBelow" : "turn.lost")}</span>
        {button}
      </div>
    );
  }
  if (turn.state !== "failed") return turn.answer === "" && turn.answerFiles.length === 0 ? <p className="note">{say("turn.empty")}</p> : null;
  return (
    <div className="outcome failed" role="alert">
      <CircleAlert size={16} />
      <div className="grow">
        <p>{failureText(say, turn.failure)}</p>
        {turn.failure?.message && (
          <details>
            <summary>{say("action.details")}</summary>
            <p className="mono">{turn.failure.message}</p>
          </details>
        )}
      </div>
      {button}
    </div>
  );
}

type ActionProps = Omit<TurnProps, "site">;

function Actions({ chat, threadKey, turn, index, versions, locked }: ActionProps): ReactNode {
  const say = useSay();
  const [copied, copy] = useCopy();
  const [asksWhy, setAsksWhy] = useState(false);
  const hasText = turn.answer !== "";
  const canRate = turn.id !== null && hasText && turn.state !== "failed";
  const rate = (rating: "like" | "dislike"): void => {
    const next = turn.rating === rating ? null : rating;
    setAsksWhy(next === "dislike");
    void chat.rate(threadKey, turn, next);
  };
  const go = (step: number): void => {
    const version = versions[index - 1 + step];
    if (version) chat.choose(threadKey, turn, version);
  };
  if (!hasText && versions.length < 2) return null;
  return (
    <>
      <div className="actions" role="toolbar" aria-label={say("turn.actions")}>
        {versions.length > 1 && (
          <span className="versions">
            <button type="button" className="tool" aria-label={say("turn.previous")} disabled={index === 1 || locked} onClick={() => go(-1)}>
              <ChevronLeft size={16} />
            </button>
            <span className="num">{say("turn.version", { index, count: versions.length })}</span>
            <button type="button" className="tool" aria-label={say("turn.next")} disabled={index === versions.length || locked} onClick={() => go(1)}>
              <ChevronRight size={16} />
            </button>
          </span>
        )}
        {hasText && (
          <button
            type="button"
            className="tool"
            aria-label={say(copied ? "action.copied" : "action.copy")}
            title={say("action.copy")}
            onClick={() => copy(turn.answer)}
          >
            {copied ? <Check size={16} /> : <Copy size={16} />}
          </button>
        )}
        {hasText && chat.speaks && (
          <Suspense>
            <ReadAloud id={turn.key} sound={(signal) => chat.sound(turn, signal)} />
          </Suspense>
        )}
        {canRate && (
          <>
            <button
              type="button"
              className="tool"
              aria-label={say("turn.like")}
              title={say("turn.like")}
              aria-pressed={turn.rating === "like"}
              onClick={() => rate("like")}
            >
              <ThumbsUp size={16} />
            </button>
            <button
              type="button"
              className="tool"
              aria-label={say("turn.dislike")}
              title={say("turn.dislike")}
              aria-pressed={turn.rating === "dislike"}
              onClick={() => rate("dislike")}
            >
              <ThumbsDown size={16} />
            </button>
          </>
        )}
        {turn.state !== "lost" && turn.state !== "failed" && (
          <button
            type="button"
            className="tool"
            aria-label={say("turn.regenerate")}
            title={say("turn.regenerate")}
            disabled={locked}
            onClick={() => chat.regenerate(threadKey, turn)}
          >
            <RefreshCw size={16} />
          </button>
        )}
        <span className="visually-hidden" role="status">
          {copied ? say("action.copied") : ""}
        </span>
      </div>
      {asksWhy && turn.rating === "dislike" && (
        <Suspense>
          <Why onSend={(reason) => chat.rate(threadKey, turn, "dislike", reason)} onClose={() => setAsksWhy(false)} />
        </Suspense>
      )}
    </>
  );
}
