/** The page of a completion or workflow app: its form, and the result beside it. */

import { type ReactNode, useEffect, useRef, useState } from "react";
import { Check, CircleAlert, Copy, Play, Share, Square, ThumbsDown, ThumbsUp, WifiOff } from "./icons";
import "./styles/run.css";
import type { StreamEvent } from "../lib/events";
import { tabKeys } from "../lib/tabs";
import { AboutText } from "./AboutText";
import { SentFiles } from "./Attachments";
import { type Api, ApiError, isAbort, isOffline } from "./api";
import { followRun } from "./follow";
import { startValues } from "./form";
import { Frames } from "./frames";
import InputForm from "./InputForm";
import { Looks } from "./Looks";
import { Popup } from "./Popup";
import { Prose } from "./Prose";
import type { Json } from "./read";
import { afterRunClose, afterRunEvent, newRun, type Run, resultFiles, resultText } from "./run";
import { SiteIcon } from "./SiteIcon";
import { Steps } from "./Steps";
import { isBusy, type Rating } from "./turns";
import { useCopy } from "./useCopy";
import { useOnline } from "./useMedia";
import { Waiting } from "./Waiting";
import type { Parameters, Site } from "./wire";
import { useLanguage, useSay } from "./words";

interface RunPageProps {
  readonly api: Api;
  readonly mode: "completion" | "workflow";
  readonly site: Site;
  readonly parameters: Parameters;
  readonly preset: Json;
}

export default function RunPage({ api, mode, site, parameters, preset }: RunPageProps): ReactNode {
  const say = useSay();
  const isOnline = useOnline();
  const { run, start, stop, rate } = useRun(api, mode);
  const [asksAbout, setAsksAbout] = useState(false);
  const [copied, copy] = useCopy();
  const busy = run !== null && isBusy(run.turn);
  const result = useRef<HTMLElement>(null);
  const begin = (inputs: Json): void => {
    start(inputs);
    // On a phone the result is below the form.
    requestAnimationFrame(() => result.current?.scrollIntoView({ block: "nearest" }));
  };
  return (
    <div className="run-page">
      <section className="run-side" aria-label={say("form.title")}>
        <header>
          <SiteIcon site={site} size={28} />
          <h1>{site.title}</h1>
          <button
            type="button"
            className="icon"
            aria-label={say(copied ? "share.done" : "share.action")}
            title={say("share.action")}
            onClick={() => copy(`${window.location.origin}${window.location.pathname}`)}
          >
            {copied ? <Check size={16} /> : <Share size={16} />}
          </button>
          <Looks onAbout={() => setAsksAbout(true)} />
        </header>
        {site.description && <p className="hint">{site.description}</p>}
        {!isOnline && (
          <p className="banner" role="status">
            <WifiOff size={16} />
            {say("page.offline")}
          </p>
        )}
        <InputForm
          fields={parameters.fields}
          start={startValues(parameters.fields, preset)}
          api={api}
          limits={parameters.limits}
          busy={busy}
          submit={say(busy ? "run.busy" : run ? "run.again" : "run.start")}
          onSubmit={begin}
        />
        <footer>
          <p className="hint">{site.disclaimer || say("composer.disclaimer")}</p>
          {site.copyright && <p className="hint">{say("list.copyright", { owner: site.copyright })}</p>}
        </footer>
      </section>
      <main className="run-main" ref={result}>
        {run ? (
          <Result run={run} mode={mode} site={site} busy={busy} onStop={stop} onRate={rate} />
        ) : (
          <div className="run-empty">
            <span className="site-icon own" style={{ width: 40, height: 40 }} aria-hidden="true">
              <Play size={18} />
            </span>
            <p>{say("run.empty")}</p>
          </div>
        )}
      </main>
      {asksAbout && (
        <Popup label={site.title} kind="box" onClose={() => setAsksAbout(false)}>
          <AboutText site={site} />
        </Popup>
      )}
    </div>
  );
}

interface Running {
  readonly run: Run | null;
  readonly start: (inputs: Json) => void;
  readonly stop: () => void;
  readonly rate: (rating: Rating) => void;
}

let count = 0;

function failed(run: Run, error: unknown): Run {
  if (isAbort(error)) return { ...run, turn: { ...run.turn, state: "stopped" } };
  const code = error instanceof ApiError ? (error.status === 429 ? "rate_limit" : error.code) : "unknown";
  const message = error instanceof Error ? error.message : String(error);
  return { ...run, turn: { ...run.turn, state: isOffline(error) ? "lost" : "failed", failure: { code, message } } };
}

function useRun(api: Api, mode: "completion" | "workflow"): Running {
  const [run, setRun] = useState<Run | null>(null);
  const latest = useRef<Run | null>(null);
  const control = useRef<AbortController | null>(null);
  useEffect(() => () => control.current?.abort(), []);
  const change = (key: string, next: (now: Run) => Run): void => {
    if (latest.current?.turn.key !== key) return;
    latest.current = next(latest.current);
    setRun(latest.current);
  };
  const start = (inputs: Json): void => {
    control.current?.abort();
    const mine = new AbortController();
    control.current = mine;
    const key = `run-${++count}`;
    latest.current = newRun(key, Math.floor(Date.now() / 1000));
    setRun(latest.current);
    const frames = new Frames<StreamEvent>((events) => change(key, (now) => events.reduce(afterRunEvent, now)));
    const path = mode === "workflow" ? "/workflows/run" : "/completion-messages";
    const onEvent = (event: StreamEvent): void => frames.push(event);
    const waits = (): boolean => {
      frames.flush();
      return latest.current?.turn.key === key && latest.current.turn.state === "paused";
    };
    const work = async (): Promise<void> => {
      await api.stream(path, { body: { inputs, files: [], response_mode: "streaming" } }, onEvent, mine.signal);
      const runId = waits() ? latest.current?.runId : null;
      if (runId) await followRun({ api, runId, onEvent, waits, signal: mine.signal });
    };
    work().then(
      () => {
        frames.flush();
        change(key, afterRunClose);
      },
      (error: unknown) => {
        frames.flush();
        change(key, (now) => failed(now, error));
      },
    );
  };
  const stop = (): void => {
    if (!run) return;
    const { taskId } = run.turn;
    const path = mode === "workflow" ? `/workflows/tasks/${taskId}/stop` : `/completion-messages/${taskId}/stop`;
    if (taskId) void api.json(path, { method: "POST", body: {} }).catch(() => control.current?.abort());
    else control.current?.abort();
    change(run.turn.key, (now) => ({ ...now, turn: { ...now.turn, asks: [], state: "stopped" } }));
  };
  const rate = (rating: Rating): void => {
    const id = run?.turn.id;
    if (!run || !id) return;
    const before = run.turn.rating;
    const put = (value: Rating): void => change(run.turn.key, (now) => ({ ...now, turn: { ...now.turn, rating: value } }));
    put(rating);
    api.json(`/messages/${id}/feedbacks`, { method: "POST", body: { rating } }).catch(() => put(before));
  };
  return { run, start, stop, rate };
}

interface ResultProps {
  readonly run: Run;
  readonly mode: "completion" | "workflow";
  readonly site: Site;
  readonly busy: boolean;
  readonly onStop: () => void;
  readonly onRate: (rating: Rating) => void;
}

function Result({ run, mode, site, busy, onStop, onRate }: ResultProps): ReactNode {
  const say = useSay();
  const language = useLanguage();
  const [view, setView] = useState<"text" | "json">("text");
  const [copied, copy] = useCopy();
  const { turn, outputs } = run;
  const shown = busy ? turn.answer : resultText(run);
  const json = outputs ? JSON.stringify(outputs, null, 2) : "";
  const hasJson = mode === "workflow" && !busy && outputs !== null && Object.keys(outputs).length > 0;
  const isJson = hasJson && (view === "json" || shown === "");
  const copyable = isJson ? json : shown;
  const elapsed = useElapsed(busy, turn.key);
  return (
    <>
      <header className="run-bar">
        <h2>{say("run.result")}</h2>
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
        {!busy && mode === "completion" && turn.id && shown !== "" && turn.state !== "failed" && (
          <>
            <button
              type="button"
              className="icon"
              aria-label={say("turn.like")}
              title={say("turn.like")}
              aria-pressed={turn.rating === "like"}
              onClick={() => onRate(turn.rating === "like" ? null : "like")}
            >
              <ThumbsUp size={16} />
            </button>
            <button
              type="button"
              className="icon"
              aria-label={say("turn.dislike")}
              title={say("turn.dislike")}
              aria-pressed={turn.rating === "dislike"}
              onClick={() => onRate(turn.rating === "dislike" ? null : "dislike")}
            >
              <ThumbsDown size={16} />
            </button>
          </>
        )}
        {copyable !== "" && !busy && (
          <button type="button" className="button" onClick={() => copy(copyable)}>
            {copied ? <Check size={16} /> : <Copy size={16} />}
            {say(copied ? "action.copied" : "action.copy")}
          </button>
        )}
        {busy && (
          <button type="button" className="button" onClick={onStop}>
            <Square size={14} />
            {say("composer.stop")}
          </button>
        )}
      </header>
      <div className="run-result" aria-busy={busy}>
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
        {(turn.state === "failed" || turn.state === "lost") && (
          <div className="outcome failed" role="alert">
            {turn.state === "lost" ? <WifiOff size={16} /> : <CircleAlert size={16} />}
            <div className="grow">
              <p>
                {say(
                  turn.state === "lost"
                    ? "run.lost"
                    : turn.failure?.code === "rate_limit"
                      ? "failure.busy"
                      : turn.failure?.code === "app_unavailable"
                        ? "failure.unavailable"
                        : "run.failed",
                )}
              </p>
              {turn.failure?.message && <p className="mono">{turn.failure.message}</p>}
            </div>
          </div>
        )}
      </div>
    </>
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
