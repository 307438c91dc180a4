/** The conversation: opening, turns, the way to older ones, and what a screen reader hears. */

import { lazy, type ReactNode, Suspense, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Json } from "../lib/read";
import type { Api } from "./api";
import type { Chat, Thread } from "./chat";
import { shownInputs, startValues } from "./form";
import { ArrowDown, ChevronRight, CircleAlert, SquarePen } from "./icons";
import { Prose } from "./Prose";
import { SiteIcon } from "./SiteIcon";
import { TurnView } from "./TurnView";
import { isBusy, sentenceEnd, type Turn, visible } from "./turns";
import { useStick } from "./useStick";
import { filled, type Parameters, type Site } from "./wire";
import { useSay } from "./words";

const InputForm = lazy(() => import("./InputForm"));

interface ThreadProps {
  readonly chat: Chat;
  readonly api: Api;
  readonly thread: Thread;
  readonly site: Site;
  readonly parameters: Parameters;
  readonly introduction: string | null;
  readonly preset: Json;
}

export function ThreadView({ chat, api, thread, site, parameters, introduction, preset }: ThreadProps): ReactNode {
  const say = useSay();
  const box = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const branches = useMemo(() => visible(thread.turns, thread.chosen), [thread.turns, thread.chosen]);
  const locked = thread.turns.some(isBusy);
  const busyKey = thread.turns.find(isBusy)?.key;
  const isEmpty = branches.length === 0;
  const { away, jump } = useStick(box, content, !isEmpty);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another conversation starts at its end
  useLayoutEffect(() => {
    if (!isEmpty) jump();
  }, [thread.key, isEmpty, jump]);
  useEffect(() => {
    if (busyKey) jump();
  }, [busyKey, jump]);

  const older = (): void => {
    const element = box.current;
    if (!element) return;
    const rest = element.scrollHeight - element.scrollTop;
    void chat.older(thread.key).then(() => requestAnimationFrame(() => element.scrollTo({ top: element.scrollHeight - rest })));
  };

  return (
    <div className="scroll-frame">
      <div className="scroll" ref={box}>
        <div className="column" ref={content}>
          {thread.problem && (
            <div className="outcome failed" role="alert">
              <CircleAlert size={16} />
              <span className="grow">{say(thread.problem.status === 0 ? "thread.offline" : "thread.failed")}</span>
              <button type="button" className="button" onClick={() => thread.conversationId && chat.open(thread.conversationId)}>
                {say("action.retry")}
              </button>
            </div>
          )}
          {thread.loading && isEmpty && <Skeleton />}
          {thread.hasOlder && (
            <button type="button" className="button older" disabled={thread.loading} onClick={older}>
              {say("thread.older")}
            </button>
          )}
          {!thread.loading && !thread.problem && !thread.hasOlder && (
            <Opening chat={chat} api={api} thread={thread} site={site} parameters={parameters} introduction={introduction} preset={preset} isEmpty={isEmpty} />
          )}
          {branches.map(({ turn, index, versions }) => (
            <TurnView key={turn.key} chat={chat} threadKey={thread.key} site={site} turn={turn} index={index} versions={versions} locked={locked} />
          ))}
        </div>
      </div>
      {away && (
        <button type="button" className="jump" onClick={() => jump(true)}>
          <ArrowDown size={14} />
          {say("thread.jump")}
        </button>
      )}
      <Announcer turn={branches.at(-1)?.turn} />
    </div>
  );
}

function Skeleton(): ReactNode {
  const say = useSay();
  return (
    <div className="skeleton late" role="status" aria-label={say("state.loading")}>
      <span style={{ width: "46%", marginInlineStart: "auto" }} />
      <span style={{ width: "88%" }} />
      <span style={{ width: "72%" }} />
      <span style={{ width: "34%", marginInlineStart: "auto" }} />
      <span style={{ width: "80%" }} />
    </div>
  );
}

function Opening({ chat, api, thread, site, parameters, introduction, preset, isEmpty }: ThreadProps & { isEmpty: boolean }): ReactNode {
  const say = useSay();
  const statement = introduction || filled(parameters.opening, thread.inputs ?? {});
  const needsForm = thread.inputs === null && thread.conversationId === null;
  return (
    <>
      {isEmpty && (
        <div className="hello">
          <SiteIcon site={site} size={44} />
          <h1>{site.title}</h1>
          {site.description && <p>{site.description}</p>}
        </div>
      )}
      {needsForm ? (
        <section className="card" aria-label={say("form.title")}>
          <Suspense>
            <InputForm
              key={thread.key}
              fields={parameters.fields}
              start={startValues(parameters.fields, preset)}
              api={api}
              limits={parameters.limits}
              submit={say("form.start")}
              onSubmit={(inputs) => chat.setInputs(thread.key, inputs)}
            />
          </Suspense>
        </section>
      ) : (
        <Given chat={chat} thread={thread} parameters={parameters} isEmpty={isEmpty} />
      )}
      {statement && !needsForm && (
        <article className="answer" aria-label={say("turn.opening")}>
          <Prose text={statement} />
        </article>
      )}
      {isEmpty && !needsForm && parameters.questions.length > 0 && (
        <ul className="starters" aria-label={say("thread.starters")}>
          {parameters.questions.map((question) => (
            <li key={question}>
              <button type="button" onClick={() => chat.send(thread.key, question, [])}>
                {question}
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** The form's values, folded; they can be changed until the first question. */
function Given({ chat, thread, parameters, isEmpty }: { chat: Chat; thread: Thread; parameters: Parameters; isEmpty: boolean }): ReactNode {
  const say = useSay();
  const rows = shownInputs(parameters.fields, thread.inputs ?? {});
  if (rows.length === 0) return null;
  return (
    <details className="steps given">
      <summary className="process">
        <span className="process-text">{say("form.given", { count: rows.length })}</span>
        <ChevronRight size={14} className="turn" />
      </summary>
      <dl>
        {rows.map((row) => (
          <div key={row.label}>
            <dt>{row.label}</dt>
            <dd>{row.value}</dd>
          </div>
        ))}
      </dl>
      {isEmpty && (
        <button type="button" className="button" onClick={() => chat.editInputs(thread.key)}>
          <SquarePen size={14} />
          {say("form.edit")}
        </button>
      )}
    </details>
  );
}

/** Reads a growing answer aloud sentence by sentence. */
function Announcer({ turn }: { turn: Turn | undefined }): ReactNode {
  const say = useSay();
  const heard = useRef({ key: "", length: 0, wasBusy: false });
  const [spoken, setSpoken] = useState("");
  const key = turn?.key ?? "";
  const busy = turn !== undefined && isBusy(turn);
  const answer = turn?.answer ?? "";
  const state = turn?.state;
  useEffect(() => {
    const memory = heard.current;
    if (memory.key !== key) heard.current = { key, length: busy ? 0 : answer.length, wasBusy: busy };
    else if (busy || memory.wasBusy) {
      const end = busy ? sentenceEnd(answer) : answer.length;
      const fresh = answer.slice(memory.length, end).trim();
      if (fresh) setSpoken(fresh);
      else if (!busy && state === "stopped") setSpoken(say("turn.stopped"));
      heard.current = { key, length: Math.max(end, memory.length), wasBusy: busy };
    }
  }, [key, busy, answer, state, say]);
  return (
    <div className="visually-hidden" aria-live="polite">
      {spoken}
    </div>
  );
}
