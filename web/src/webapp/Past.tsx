/** What was run on this page before, newest first; one is opened beside it. */

import { type ReactNode, useEffect, useState } from "react";
import { list } from "../lib/read";
import type { Api } from "./api";
import { type Field, shownInputs } from "./form";
import { CircleCheck, CircleDashed, CircleX } from "./icons";
import { type PastItem, pastFrom, runFrom } from "./past";
import type { Run } from "./run";
import type { TurnState } from "./turns";
import type { RunMode } from "./useRun";
import { useLanguage, useSay } from "./words";

interface PastProps {
  readonly api: Api;
  readonly mode: RunMode;
  readonly fields: readonly Field[];
  /** The one that is open. */
  readonly opened: string | null;
  readonly onOpen: (run: Run) => void;
}

const PAGE = "20";

export default function Past({ api, mode, fields, opened, onOpen }: PastProps): ReactNode {
  const say = useSay();
  const language = useLanguage();
  const path = mode === "workflow" ? "/workflows/runs" : "/completion-messages";
  const [items, setItems] = useState<readonly PastItem[] | null>(null);
  const [hasMore, setHasMore] = useState(false);
  const [failed, setFailed] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const load = async (last?: string): Promise<void> => {
    setFailed(false);
    try {
      const body = await api.json(path, { query: { limit: PAGE, last_id: last } });
      const found = list(body.data).map((item) => pastFrom(mode, Object(item)));
      setItems((now) => (last ? [...(now ?? []), ...found] : found));
      setHasMore(body.has_more === true);
    } catch {
      setFailed(true);
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: read when it is opened, and with each attempt
  useEffect(() => void load(), [api, path, attempt]);
  const open = async (item: PastItem): Promise<void> => {
    try {
      onOpen(item.run ?? runFrom(await api.json(`${path}/${item.id}`)));
    } catch {
      setFailed(true);
    }
  };
  const time = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  return (
    <div className="stack">
      {failed && (
        <p className="outcome failed" role="alert">
          <span className="grow">{say("past.failed")}</span>
          <button type="button" className="button" onClick={() => setAttempt(attempt + 1)}>
            {say("action.retry")}
          </button>
        </p>
      )}
      {items?.length === 0 && <p className="hint">{say("past.none")}</p>}
      <ul className="past" aria-label={say("run.view_past")}>
        {items?.map((item) => (
          <li key={item.id}>
            <button type="button" aria-current={opened === item.id} onClick={() => void open(item)}>
              <Mark state={item.state} />
              <span className="visually-hidden">{say(`run.state.${item.state === "streaming" ? "paused" : item.state}`)}</span>
              <span className="past-text">
                <span className="past-name">
                  {shownInputs(fields, item.inputs)
                    .map((input) => input.value)
                    .join(" · ") || say("past.untitled")}
                </span>
                <time className="hint" dateTime={new Date(item.at * 1000).toISOString()}>
                  {time.format(item.at * 1000)}
                </time>
              </span>
            </button>
          </li>
        ))}
      </ul>
      {hasMore && (
        <button type="button" className="quiet more" onClick={() => void load(items?.at(-1)?.id)}>
          {say("list.more")}
        </button>
      )}
    </div>
  );
}

function Mark({ state }: { state: TurnState }): ReactNode {
  if (state === "done") return <CircleCheck size={14} />;
  return state === "failed" ? <CircleX size={14} className="bad" /> : <CircleDashed size={14} />;
}
