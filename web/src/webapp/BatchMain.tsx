/** The rows of a table while they run, and their results. */

import { memo, type ReactNode } from "react";
import { SentFiles } from "./Attachments";
import { type BatchRow, countsOf, resultCell, resultsOf } from "./batch";
import type { BatchRun } from "./batchRun";
import { CircleCheck, CircleDashed, CircleX, Download, LoaderCircle } from "./icons";
import { Prose } from "./Prose";
import { resultText } from "./run";
import { saveFile } from "./saveFile";
import { useStore } from "./store";
import type { RunMode } from "./useRun";
import { useSay } from "./words";

export default function BatchMain({ batch }: { batch: BatchRun; mode: RunMode }): ReactNode {
  const say = useSay();
  const table = useStore(batch.store, (state) => state.table);
  const counts = countsOf(table.rows);
  const download = (): void => {
    const words = { result: say("run.result"), status: say("batch.status"), state: (state: BatchRow["state"]) => say(`batch.state.${state}`) };
    saveFile("results.csv", resultsOf(table, words));
  };
  return (
    <section aria-label={say("batch.title")}>
      <header className="run-bar">
        <h2>{say("batch.title")}</h2>
        <span className="hint num" role="status">
          {say("batch.progress", { ended: counts.ended, count: counts.all })}
          {counts.failed > 0 ? ` · ${say("batch.failed", { count: counts.failed })}` : ""}
        </span>
        <span className="grow" />
        <button type="button" className="button" disabled={counts.ended === 0} onClick={download}>
          <Download size={16} />
          {say("batch.download")}
        </button>
        <progress className="batch-progress" max={counts.all} value={counts.ended} aria-label={say("batch.title")} />
      </header>
      <ol className="batch-rows">
        {table.rows.map((row) => (
          <Row key={row.number} row={row} />
        ))}
      </ol>
    </section>
  );
}

function Mark({ state }: { state: BatchRow["state"] }): ReactNode {
  if (state === "running") return <LoaderCircle size={14} className="spin" />;
  if (state === "done") return <CircleCheck size={14} />;
  return state === "failed" ? <CircleX size={14} className="bad" /> : <CircleDashed size={14} />;
}

const Row = memo(function Row({ row }: { row: BatchRow }): ReactNode {
  const say = useSay();
  const first = row.cells.find((cell) => cell.trim() !== "") ?? "";
  const text = row.state === "done" ? resultText(row.run) || resultCell(row.run) : row.run.turn.answer;
  return (
    <li>
      <details className="batch-row">
        <summary>
          <span className="num">{row.number}</span>
          <Mark state={row.state} />
          <span className="visually-hidden">{say(`batch.state.${row.state}`)}</span>
          <span className="batch-input">{first}</span>
          <span className={row.state === "failed" ? "batch-result bad" : "batch-result"}>{row.reason || text.slice(0, 240)}</span>
        </summary>
        <div className="run-result">
          {row.reason && <p className="mono bad">{row.reason}</p>}
          {text !== "" && <Prose text={text} caret={row.state === "running"} />}
          <SentFiles files={row.run.turn.answerFiles} />
        </div>
      </details>
    </li>
  );
});
