/** A table of inputs: its template, the upload, and what is done with the rows. */

import { type DragEvent, type ReactNode, useRef, useState } from "react";
import type { Api } from "./api";
import { columnsOf, countsOf, type TableProblem, tableFrom, templateOf } from "./batch";
import { BatchRun } from "./batchRun";
import { parseCsv } from "./csv";
import type { Field } from "./form";
import { CircleAlert, Download, Play, RotateCw, Square, Upload } from "./icons";
import { saveFile } from "./saveFile";
import { useStore } from "./store";
import type { RunMode } from "./useRun";
import { useSay } from "./words";

/** What is wrong is told for so many cells; who puts those right, sees the next. */
const TOLD = 8;
const MOST_BYTES = 10 * 1024 * 1024;

interface SideProps {
  readonly api: Api;
  readonly mode: RunMode;
  readonly fields: readonly Field[];
  readonly batch: BatchRun | null;
  readonly onBatch: (batch: BatchRun) => void;
}

export default function BatchSide({ api, mode, fields, batch, onBatch }: SideProps): ReactNode {
  const say = useSay();
  const picker = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const [problems, setProblems] = useState<readonly TableProblem[]>([]);
  const take = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    if (file.size > MOST_BYTES) return setProblems([{ row: 0, key: "batch.tooBig", values: { limit: MOST_BYTES / 1024 / 1024 } }]);
    const found = tableFrom(fields, parseCsv(await file.text()));
    setProblems("problems" in found ? found.problems : []);
    if ("table" in found) {
      batch?.stop();
      onBatch(new BatchRun(api, mode, found.table));
    }
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    void take(event.dataTransfer.files[0]);
  };
  return (
    <div className="form">
      <div className="field">
        <span className="label">{say("batch.first")}</span>
        <p className="hint">
          {say("batch.columns", {
            names: columnsOf(fields)
              .map((field) => field.label)
              .join(", "),
          })}
        </p>
        <button type="button" className="button" onClick={() => saveFile("template.csv", templateOf(fields))}>
          <Download size={16} />
          {say("batch.template")}
        </button>
      </div>
      <div className="field">
        <span className="label">{say("batch.second")}</span>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is the short way; the button inside does the same */}
        <div
          className={isOver ? "drop over" : "drop"}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={drop}
        >
          <button type="button" className="button" onClick={() => picker.current?.click()}>
            <Upload size={16} />
            {say("batch.choose")}
          </button>
          <span className="hint">{say("batch.drop")}</span>
        </div>
        <input
          ref={picker}
          type="file"
          hidden
          accept=".csv,.tsv,.txt,text/csv"
          aria-label={say("batch.choose")}
          onChange={(event) => {
            void take(event.target.files?.[0]);
            event.target.value = "";
          }}
        />
        {problems.length > 0 && (
          <ul className="stack problems" role="alert">
            {problems.slice(0, TOLD).map((problem) => (
              <li key={`${problem.row}-${problem.key}-${problem.values?.name}`} className="error">
                <CircleAlert size={14} />
                {problem.row === 0
                  ? say(problem.key, problem.values)
                  : say("batch.inRow", { row: problem.row, name: String(problem.values?.name ?? ""), problem: say(problem.key, problem.values) })}
              </li>
            ))}
            {problems.length > TOLD && <li className="hint">{say("batch.others", { count: problems.length - TOLD })}</li>}
          </ul>
        )}
      </div>
      {batch && <Controls batch={batch} />}
    </div>
  );
}

function Controls({ batch }: { batch: BatchRun }): ReactNode {
  const say = useSay();
  const rows = useStore(batch.store, (state) => state.table.rows);
  const isRunning = useStore(batch.store, (state) => state.isRunning);
  const counts = countsOf(rows);
  const broken = counts.failed + counts.stopped;
  if (isRunning) {
    return (
      <button type="button" className="button large" onClick={() => batch.stop()}>
        <Square size={14} />
        {say("batch.stop")}
      </button>
    );
  }
  if (counts.ended < counts.all) {
    return (
      <button type="button" className="button primary large" onClick={() => void batch.run()}>
        <Play size={16} />
        {say("batch.start", { count: counts.all - counts.ended })}
      </button>
    );
  }
  return broken > 0 ? (
    <button type="button" className="button primary large" onClick={() => void batch.retryFailed()}>
      <RotateCw size={16} />
      {say("batch.retry", { count: broken })}
    </button>
  ) : null;
}
