import { describe, expect, it } from "vitest";
import type { Api } from "./api";
import { ApiError } from "./api";
import { countsOf, isOffered, resultsOf, type Table, tableFrom, templateOf } from "./batch";
import { BatchRun } from "./batchRun";
import { parseCsv, writeCsv } from "./csv";
import { fieldsFrom } from "./form";

const FIELDS = fieldsFrom([
  { paragraph: { label: "Question", variable: "query", required: true, max_length: 20 } },
  { number: { label: "How many", variable: "count" } },
  { select: { label: "Tone", variable: "tone", options: ["kind", "short"] } },
  { checkbox: { label: "Loud", variable: "loud" } },
  { "text-input": { label: "Secret", variable: "secret", hide: true } },
]);

function tableOf(text: string): Table {
  const found = tableFrom(FIELDS, parseCsv(text));
  if (!("table" in found)) throw new Error(JSON.stringify(found.problems));
  return found.table;
}

describe("csv", () => {
  it.each([
    [
      "a,b\r\n1,2\r\n",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    [
      '\uFEFF"a ""x""",b\n"1\n2",3',
      [
        ['a "x"', "b"],
        ["1\n2", "3"],
      ],
    ],
    [
      "a;b\n1,5;2\n\n",
      [
        ["a", "b"],
        ["1,5", "2"],
      ],
    ],
    [
      "a\tb\n1\t2",
      [
        ["a", "b"],
        ["1", "2"],
      ],
    ],
    ["", []],
  ])("reads %j", (text, rows) => expect(parseCsv(text)).toEqual(rows));

  it("writes what it reads, and no formulas", () => {
    const rows = [["a", 'say "hi"', "x,y", "two\nlines", " spaced "]];
    expect(parseCsv(writeCsv(rows))).toEqual(rows);
    expect(parseCsv(writeCsv([["=1+1", "-5", "- item", "@x", "+4.5"]]))).toEqual([["'=1+1", "-5", "'- item", "'@x", "+4.5"]]);
  });
});

describe("a table", () => {
  it("has a column for each value that a table can give", () => {
    expect(parseCsv(templateOf(FIELDS))).toEqual([["Question", "How many", "Tone", "Loud"]]);
    expect(isOffered(FIELDS)).toBe(true);
    const upload = fieldsFrom([{ file: { label: "Photo", variable: "photo", required: true, allowed_file_upload_methods: ["local_file"] } }]);
    expect(isOffered(upload)).toBe(false);
  });

  it("is read by labels or variables, in any order", () => {
    const { rows } = tableOf("tone,Question,loud,How many\nkind,Hello,yes,3\n,Bye,,\n");
    expect(rows.map((row) => row.inputs)).toEqual([
      { query: "Hello", count: 3, tone: "kind", loud: true },
      { query: "Bye", loud: false },
    ]);
  });

  it.each([
    ["How many\n3\n", [{ row: 0, key: "batch.noColumn", values: { name: "Question" } }]],
    ["Question\n", [{ row: 0, key: "batch.noRows" }]],
    [
      "Question,How many\nok,2\n,two\n",
      [
        { row: 2, key: "form.required", values: { name: "Question" } },
        { row: 2, key: "form.number", values: { name: "How many" } },
      ],
    ],
    ["Question,Tone\nok,loud\n", [{ row: 1, key: "form.choose", values: { name: "Tone" } }]],
  ])("says what is wrong with %j", (text, problems) => expect(tableFrom(FIELDS, parseCsv(text))).toEqual({ problems }));
});

describe("a batch", () => {
  const finished = (result: string) => ({ event: "workflow_finished", workflow_run_id: "r", data: { status: "succeeded", outputs: { result } } });

  it("runs few rows at a time, retries what failed and waits for a busy server", async () => {
    let running = 0;
    let most = 0;
    let busy = 1;
    let broken = true;
    const api = {
      stream: async (_: string, ask: { body: { inputs: { query: string } } }, onEvent: (event: unknown) => void) => {
        if (busy-- > 0) throw new ApiError(429, "too_many_requests", "busy", 0);
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running--;
        const { query } = ask.body.inputs;
        if (query === "q3" && broken) throw new ApiError(400, "invalid_param", "no such thing");
        onEvent(finished(`${query}!`));
      },
      json: async () => ({}),
    } as unknown as Api;
    const batch = new BatchRun(api, "workflow", tableOf(`Question\n${Array.from({ length: 12 }, (_, at) => `q${at}`).join("\n")}\n`));
    await batch.run();
    expect(most).toBeLessThanOrEqual(5);
    expect(countsOf(batch.store.get().table.rows)).toEqual({ all: 12, ended: 12, done: 11, failed: 1, stopped: 0 });
    expect(batch.store.get().table.rows[3]?.reason).toBe("no such thing");
    broken = false;
    await batch.retryFailed();
    expect(countsOf(batch.store.get().table.rows).done).toBe(12);
    const file = parseCsv(resultsOf(batch.store.get().table, { result: "Result", status: "Status", state: (state) => state }));
    expect(file[0]).toEqual(["Question", "How many", "Tone", "Loud", "Result", "Status"]);
    expect(file[4]).toEqual(["q3", "", "", "", "q3!", "done"]);
  });

  it("stops, on the server too", async () => {
    const stopped: string[] = [];
    const api = {
      stream: (_: string, ask: { body: { inputs: { query: string } } }, onEvent: (event: unknown) => void, signal: AbortSignal) => {
        onEvent({ event: "workflow_started", task_id: ask.body.inputs.query, data: {} });
        return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError"))));
      },
      json: async (path: string) => stopped.push(path),
    } as unknown as Api;
    const batch = new BatchRun(api, "workflow", tableOf("Question\na\nb\nc\nd\ne\nf\n"));
    const over = batch.run();
    await new Promise((resolve) => setTimeout(resolve, 0));
    batch.stop();
    await over;
    expect(countsOf(batch.store.get().table.rows).stopped).toBe(6);
    expect(stopped).toHaveLength(5);
    expect(stopped[0]).toBe("/workflows/tasks/a/stop");
  });
});
