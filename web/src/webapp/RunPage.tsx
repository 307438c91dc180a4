/** The page of a completion or workflow app: its form, a table of many, or what was run before; the result beside it. */

import { lazy, type ReactNode, Suspense, useRef, useState } from "react";
import { Check, Play, Share, WifiOff } from "./icons";
import "./styles/run.css";
import type { Json } from "../lib/read";
import { tabKeys } from "../lib/tabs";
import { AboutText } from "./AboutText";
import type { Api } from "./api";
import { isOffered } from "./batch";
import type { BatchRun } from "./batchRun";
import { startValues } from "./form";
import InputForm from "./InputForm";
import { Looks } from "./Looks";
import { Popup } from "./Popup";
import { RunResult } from "./RunResult";
import type { Run } from "./run";
import { SiteIcon } from "./SiteIcon";
import { soundOf } from "./speech";
import { isBusy } from "./turns";
import { useCopy } from "./useCopy";
import { useOnline } from "./useMedia";
import { type RunMode, useRun } from "./useRun";
import type { Parameters, Site } from "./wire";
import { useSay } from "./words";

const BatchSide = lazy(() => import("./BatchSide"));
const BatchMain = lazy(() => import("./BatchMain"));
const Past = lazy(() => import("./Past"));
const Saved = lazy(() => import("./Saved"));

interface RunPageProps {
  readonly api: Api;
  readonly mode: RunMode;
  readonly site: Site;
  readonly parameters: Parameters;
  readonly preset: Json;
}

type View = "once" | "batch" | "past" | "saved";

export default function RunPage({ api, mode, site, parameters, preset }: RunPageProps): ReactNode {
  const say = useSay();
  const { runs, start, more, stop, rate } = useRun(api, mode);
  const [view, setView] = useState<View>("once");
  const [batch, setBatch] = useState<BatchRun | null>(null);
  const [past, setPast] = useState<Run | null>(null);
  const [saved, setSaved] = useState<ReadonlySet<string>>(new Set());
  const busy = runs.some((run) => isBusy(run.turn));
  const result = useRef<HTMLElement>(null);
  // On a phone the result is below.
  const showResult = (): void => void requestAnimationFrame(() => result.current?.scrollIntoView({ block: "nearest" }));
  const views: View[] = ["once"];
  if (api.isKept) {
    if (isOffered(parameters.fields)) views.push("batch");
    views.push("past");
    if (mode === "completion") views.push("saved");
  }
  const save = (id: string, on: boolean): void => {
    const mark = (isOn: boolean): void => setSaved((now) => new Set(isOn ? [...now, id] : [...now].filter((known) => known !== id)));
    mark(on);
    const change = on
      ? api.json("/saved-messages", { method: "POST", body: { message_id: id } })
      : api.json(`/saved-messages/${encodeURIComponent(id)}`, { method: "DELETE" });
    change.catch(() => mark(!on));
  };
  const sound = parameters.speaks ? (text: string, signal: AbortSignal): Promise<Blob> => soundOf(api, { text }, signal) : undefined;
  const shown = (run: Run, index: number): ReactNode => (
    <RunResult
      key={run.turn.key}
      run={run}
      mode={mode}
      site={site}
      title={index === 0 ? say("run.result") : say("run.other", { number: index + 1 })}
      onStop={() => stop(run)}
      onRate={(rating, reason) => rate(run, rating, reason)}
      onMore={parameters.moreLikeThis && api.isKept && !busy ? () => more(run) : undefined}
      saved={saved.has(run.turn.id ?? "")}
      onSave={api.isKept ? (on) => save(run.turn.id ?? "", on) : undefined}
      sound={sound}
    />
  );
  return (
    <div className="run-page">
      <section className="run-side" aria-label={say("form.title")}>
        <Head api={api} site={site} />
        {views.length > 1 && (
          <div className="segment views" role="tablist" aria-label={say("run.ways")} onKeyDown={tabKeys}>
            {views.map((name) => (
              <button key={name} type="button" role="tab" aria-selected={view === name} tabIndex={view === name ? 0 : -1} onClick={() => setView(name)}>
                {say(`run.view_${name}`)}
              </button>
            ))}
          </div>
        )}
        <div hidden={view !== "once"}>
          <InputForm
            fields={parameters.fields}
            start={startValues(parameters.fields, preset)}
            api={api}
            limits={parameters.limits}
            busy={busy}
            submit={say(busy ? "run.busy" : runs.length > 0 ? "run.again" : "run.start")}
            onSubmit={(inputs) => {
              start(inputs);
              showResult();
            }}
          />
        </div>
        <Suspense>
          {view === "batch" && <BatchSide api={api} mode={mode} fields={parameters.fields} batch={batch} onBatch={setBatch} />}
          {view === "past" && (
            <Past
              api={api}
              mode={mode}
              fields={parameters.fields}
              opened={past?.turn.key ?? null}
              onOpen={(run) => {
                setPast(run);
                showResult();
              }}
            />
          )}
          {view === "saved" && <p className="hint">{say("saved.text")}</p>}
        </Suspense>
        <footer>
          <p className="hint">{site.disclaimer || say("composer.disclaimer")}</p>
          {site.copyright && <p className="hint">{say("list.copyright", { owner: site.copyright })}</p>}
        </footer>
      </section>
      <main className="run-main" ref={result}>
        {view === "once" && (runs.length > 0 ? runs.map(shown) : <Nothing text={say("run.empty")} />)}
        <Suspense>
          {view === "batch" && (batch ? <BatchMain batch={batch} mode={mode} /> : <Nothing text={say("batch.empty")} />)}
          {view === "past" &&
            (past ? <RunResult run={past} mode={mode} site={site} title={say("run.result")} sound={sound} /> : <Nothing text={say("past.empty")} />)}
          {view === "saved" && <Saved api={api} onGone={(id) => setSaved((now) => new Set([...now].filter((known) => known !== id)))} />}
        </Suspense>
      </main>
    </div>
  );
}

function Head({ api, site }: { api: Api; site: Site }): ReactNode {
  const say = useSay();
  const isOnline = useOnline();
  const [asksAbout, setAsksAbout] = useState(false);
  const [copied, copy] = useCopy();
  return (
    <>
      <header>
        <SiteIcon site={site} size={28} />
        <h1>{site.title}</h1>
        {api.isShared && (
          <button
            type="button"
            className="icon"
            aria-label={say(copied ? "share.done" : "share.action")}
            title={say("share.action")}
            onClick={() => copy(`${window.location.origin}${window.location.pathname}`)}
          >
            {copied ? <Check size={16} /> : <Share size={16} />}
          </button>
        )}
        <Looks onAbout={() => setAsksAbout(true)} />
      </header>
      {site.description && <p className="hint">{site.description}</p>}
      {!isOnline && (
        <p className="banner" role="status">
          <WifiOff size={16} />
          {say("page.offline")}
        </p>
      )}
      {asksAbout && (
        <Popup label={site.title} kind="box" onClose={() => setAsksAbout(false)}>
          <AboutText site={site} />
        </Popup>
      )}
    </>
  );
}

function Nothing({ text }: { text: string }): ReactNode {
  return (
    <div className="run-empty">
      <span className="site-icon own" style={{ width: 40, height: 40 }} aria-hidden="true">
        <Play size={18} />
      </span>
      <p>{text}</p>
    </div>
  );
}
