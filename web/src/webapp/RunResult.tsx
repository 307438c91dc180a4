/** One result with its state and what can be done with it. */

import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { tabKeys } from "../lib/tabs";
import { SentFiles } from "./Attachments";
import { Bookmark, Check, CircleAlert, Copy, RefreshCw, Square, ThumbsDown, ThumbsUp, WifiOff } from "./icons";
import { Prose } from "./Prose";
import { type Run, resultFiles, resultText } from "./run";
import { Steps } from "./Steps";
import { isBusy, type Rating } from "./turns";
import { useCopy } from "./useCopy";
import type { RunMode } from "./useRun";
import { Waiting } from "./Waiting";
import type { Site } from "./wire";
import { useLanguage, useSay } from "./words";

const ReadAloud = lazy(() => import("./ReadAloud"));
const Why = lazy(() => import("./Why"));

interface ResultProps {
  readonly run: Run;
  readonly mode: RunMode;
  readonly site: Site;
  readonly title: string;
  readonly onStop?: () => void;
  readonly onRate?: (rating: Rating, reason?: string) => Promise<boolean>;
  readonly onMore?: (() => void) | undefined;
  readonly saved?: boolean;
  readonly onSave?: ((on: boolean) => void) | undefined;
  /** The sound of a text, where the app speaks. */
  readonly sound?: ((text: string, signal: AbortSignal) => Promise<Blob>) | undefined;
}

export function RunResult({ run, mode, site, title, onStop, onRate, onMore, saved = false, onSave, sound }: ResultProps): ReactNode {
  const say = useSay();
  const language = useLanguage();
  const [view, setView] = useState<"text" | "json">("text");
  const [asksWhy, setAsksWhy] = useState(false);
  const [copied, copy] = useCopy();
  const { turn, outputs } = run;
  const busy = isBusy(turn);
  const shown = busy ? turn.answer : resultText(run);
  const json = outputs ? JSON.stringify(outputs, null, 2) : "";
  const hasJson = mode === "workflow" && !busy && outputs !== null && Object.keys(outputs).length > 0;
  const isJson = hasJson && (view === "json" || shown === "");
  const copyable = isJson ? json : shown;
  const elapsed = useElapsed(busy, turn.key);
  const isAnswer = !busy && mode === "completion" && turn.id !== null && shown !== "" && turn.state !== "failed";
  const rate = (rating: "like" | "dislike"): void => {
    const next = turn.rating === rating ? null : rating;
    setAsksWhy(next === "dislike");
    void onRate?.(next);
  };
  return (
    <section aria-label={title}>
      <header className="run-bar">
        <h2>{title}</h2>
        <span className="hint num" role="status">
          {busy ? say("run.running", { seconds: elapsed.toLocaleString(language) }) : say(`run.state.${turn.state}`)}
        </span>
        <span className="grow" />
        {hasJson && shown !== "" && (
          <div className="segment" role="tablist" aria-label={say("run.view")} onKeyDown={tabKeys}>
            {(["text", "json"] as const).map((name) => (
              <button key={name} type="button" role="tab" aria-selected={view === name} tabIndex={view === name ? 0 : -1} onClick={() => setView(name)}>
                {say(`run.${name}`)}
              </button>
            ))}
          </div>
        )}
        {isAnswer && onRate && (
          <>
            <Tool label={say("turn.like")} pressed={turn.rating === "like"} onClick={() => rate("like")}>
              <ThumbsUp size={16} />
            </Tool>
            <Tool label={say("turn.dislike")} pressed={turn.rating === "dislike"} onClick={() => rate("dislike")}>
              <ThumbsDown size={16} />
            </Tool>
          </>
        )}
        {sound && isAnswer && (
          <Suspense>
            <ReadAloud id={turn.key} className="icon" sound={(signal) => sound(shown, signal)} />
          </Suspense>
        )}
        {isAnswer && onSave && (
          <Tool label={say("saved.save")} pressed={saved} onClick={() => onSave(!saved)}>
            <Bookmark size={16} />
          </Tool>
        )}
        {isAnswer && onMore && (
          <button type="button" className="button" onClick={onMore}>
            <RefreshCw size={16} />
            {say("run.more")}
          </button>
        )}
        {copyable !== "" && !busy && (
          <button type="button" className="button" onClick={() => copy(copyable)}>
            {copied ? <Check size={16} /> : <Copy size={16} />}
            {say(copied ? "action.copied" : "action.copy")}
          </button>
        )}
        {busy && onStop && (
          <button type="button" className="button" onClick={onStop}>
            <Square size={14} />
            {say("composer.stop")}
          </button>
        )}
      </header>
      <div className="run-result" aria-busy={busy}>
        {asksWhy && turn.rating === "dislike" && onRate && (
          <Suspense>
            <Why onSend={(reason) => onRate("dislike", reason)} onClose={() => setAsksWhy(false)} />
          </Suspense>
        )}
        {site.showSteps && <Steps steps={turn.steps} busy={busy} />}
        {isJson ? <Prose text={`\`\`\`\`\`json\n${json}\n\`\`\`\`\``} /> : shown !== "" && <Prose text={shown} caret={busy} />}
        {busy && shown === "" && (
          <p className="waiting">
            <span className="caret" />
            <span className="slow">{say("turn.slow")}</span>
          </p>
        )}
        {!busy && <SentFiles files={resultFiles(run)} />}
        {turn.state === "done" && !isJson && shown === "" && resultFiles(run).length === 0 && <p className="note">{say("run.nothing")}</p>}
        {(turn.state === "paused" || (busy && turn.asks.length > 0)) && <Waiting asks={turn.asks} waits={turn.state === "paused"} />}
        {(turn.state === "failed" || turn.state === "lost") && <Broken run={run} />}
      </div>
    </section>
  );
}

function Tool({ label, pressed, onClick, children }: { label: string; pressed: boolean; onClick: () => void; children: ReactNode }): ReactNode {
  return (
    <button type="button" className="icon" aria-label={label} title={label} aria-pressed={pressed} onClick={onClick}>
      {children}
    </button>
  );
}

function Broken({ run: { turn } }: { run: Run }): ReactNode {
  const say = useSay();
  const codes: Readonly<Record<string, string>> = { rate_limit: "failure.busy", app_unavailable: "failure.unavailable" };
  const key = turn.state === "lost" ? "run.lost" : (codes[turn.failure?.code ?? ""] ?? "run.failed");
  return (
    <div className="outcome failed" role="alert">
      {turn.state === "lost" ? <WifiOff size={16} /> : <CircleAlert size={16} />}
      <div className="grow">
        <p>{say(key)}</p>
        {turn.failure?.message && <p className="mono">{turn.failure.message}</p>}
      </div>
    </div>
  );
}

function useElapsed(busy: boolean, key: string): number {
  const [seconds, setSeconds] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: every run counts from zero
  useEffect(() => {
    if (!busy) return;
    const began = Date.now();
    setSeconds(0);
    const timer = setInterval(() => setSeconds(Math.floor((Date.now() - began) / 1000)), 500);
    return () => clearInterval(timer);
  }, [busy, key]);
  return seconds;
}
