/** The answers that the visitor has kept. */

import { type ReactNode, useEffect, useState } from "react";
import { list, record, text } from "../lib/read";
import type { Api } from "./api";
import { Check, Copy, Trash2 } from "./icons";
import { Prose } from "./Prose";
import { useCopy } from "./useCopy";
import { useSay } from "./words";

interface Kept {
  readonly id: string;
  readonly answer: string;
}

const PAGE = "20";

export default function Saved({ api, onGone }: { api: Api; onGone: (id: string) => void }): ReactNode {
  const say = useSay();
  const [items, setItems] = useState<readonly Kept[] | null>(null);
  const [hasMore, setHasMore] = useState(false);
  const [failed, setFailed] = useState(false);
  const load = async (last?: string): Promise<void> => {
    setFailed(false);
    try {
      const body = await api.json("/saved-messages", { query: { limit: PAGE, last_id: last } });
      const found = list(body.data).map((item) => ({ id: text(record(item).id), answer: text(record(item).answer) }));
      setItems((now) => (last ? [...(now ?? []), ...found] : found));
      setHasMore(body.has_more === true);
    } catch {
      setFailed(true);
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: read when it is opened
  useEffect(() => void load(), [api]);
  const remove = (item: Kept): void => {
    setItems((now) => (now ?? []).filter((known) => known.id !== item.id));
    api.json(`/saved-messages/${encodeURIComponent(item.id)}`, { method: "DELETE" }).then(
      () => onGone(item.id),
      () => setItems((now) => [item, ...(now ?? [])]),
    );
  };
  return (
    <section aria-label={say("run.view_saved")}>
      <header className="run-bar">
        <h2>{say("run.view_saved")}</h2>
      </header>
      {failed && (
        <p className="outcome failed" role="alert">
          <span className="grow">{say("saved.failed")}</span>
          <button type="button" className="button" onClick={() => void load()}>
            {say("action.retry")}
          </button>
        </p>
      )}
      {items?.length === 0 && <p className="run-empty">{say("saved.none")}</p>}
      <ul className="saved">
        {items?.map((item) => (
          <li key={item.id} className="run-result">
            <Prose text={item.answer} />
            <Actions answer={item.answer} onRemove={() => remove(item)} />
          </li>
        ))}
      </ul>
      {hasMore && (
        <button type="button" className="quiet more" onClick={() => void load(items?.at(-1)?.id)}>
          {say("list.more")}
        </button>
      )}
    </section>
  );
}

function Actions({ answer, onRemove }: { answer: string; onRemove: () => void }): ReactNode {
  const say = useSay();
  const [copied, copy] = useCopy();
  return (
    <div className="actions" role="toolbar" aria-label={say("turn.actions")}>
      <button type="button" className="tool" aria-label={say(copied ? "action.copied" : "action.copy")} title={say("action.copy")} onClick={() => copy(answer)}>
        {copied ? <Check size={16} /> : <Copy size={16} />}
      </button>
      <button type="button" className="tool" aria-label={say("saved.remove")} title={say("saved.remove")} onClick={onRemove}>
        <Trash2 size={16} />
      </button>
    </div>
  );
}
