/** Many runs from one table: which rows it has, what is wrong with them, and the table of results. Pure. */

import type { Attachment, Problem } from "../lib/files";
import { kindOf } from "../lib/files";
import type { Json } from "../lib/read";
import { writeCsv } from "./csv";
import { type Field, type FormValues, inputsOf, problemOfField } from "./form";
import { newRun, type Run, resultFiles, resultText } from "./run";

/** Runs at once: an upstream number, and below what a browser opens to one server. */
export const AT_ONCE = 5;
export const MOST_ROWS = 2_000;

export type RowState = "waiting" | "running" | "done" | "failed" | "stopped";

export interface BatchRow {
  /** From 1, as the table shows it. */
  readonly number: number;
  /** The texts of the table, by column. */
  readonly cells: readonly string[];
  readonly inputs: Json;
  readonly state: RowState;
  readonly run: Run;
  /** Why it failed, in the words of the server or of the page. */
  readonly reason: string;
}

export interface Table {
  readonly fields: readonly Field[];
  readonly rows: readonly BatchRow[];
}

export interface TableProblem extends Problem {
  /** The row from 1; 0 for the header. */
  readonly row: number;
}

export type TableResult = { readonly table: Table } | { readonly problems: readonly TableProblem[] };

/** Values that stand in a table: no hidden ones, and files only as links. */
export function columnsOf(fields: readonly Field[]): Field[] {
  return fields.filter((field) => !field.hidden && (field.upload === null || field.upload.remote));
}

/** What no table can give: a file that must be uploaded. */
export function isOffered(fields: readonly Field[]): boolean {
  return fields.every((field) => field.hidden || !field.required || field.upload === null || field.upload.remote);
}

export function templateOf(fields: readonly Field[]): string {
  return writeCsv([columnsOf(fields).map((field) => field.label)]);
}

function linked(field: Field, address: string): Attachment {
  const name = decodeURIComponent(address.split(/[?#]/, 1)[0]?.split("/").at(-1) ?? "") || "file";
  const kind = field.upload?.kinds.find((known) => known === kindOf(name, "")) ?? field.upload?.kinds[0] ?? "custom";
  return { key: address, name, kind, size: 0, progress: 1, failed: null, uploadId: null, url: address, remote: true };
}

const YES = /^(true|1|yes|y|on|x|是|对)$/i;

function cellValue(field: Field, cell: string): FormValues[string] {
  const text = cell.trim();
  if (field.type === "checkbox") return YES.test(text);
  if (field.upload) {
    const addresses = text.split(/\s+/).filter((part) => part !== "");
    return addresses.map((address) => linked(field, address));
  }
  return field.type === "paragraph" || field.type === "text-input" ? cell : text;
}

function problemOfCell(field: Field, value: FormValues[string]): Problem | null {
  if (typeof value === "object" && value.some((file) => !/^https?:\/\/./.test(file.url ?? ""))) return { key: "files.badAddress" };
  return problemOfField(field, value);
}

/** The rows of a table whose first line names the columns, by their label or by their variable, in any order. */
export function tableFrom(fields: readonly Field[], lines: readonly (readonly string[])[]): TableResult {
  const columns = columnsOf(fields);
  const [header = [], ...body] = lines;
  const named = header.map((name) => name.trim());
  const places = columns.map((field) => {
    const byLabel = named.indexOf(field.label);
    return byLabel >= 0 ? byLabel : named.indexOf(field.variable);
  });
  const missing = columns.filter((field, index) => places[index] === -1 && field.required);
  if (missing.length > 0) return { problems: [{ row: 0, key: "batch.noColumn", values: { name: missing.map((field) => field.label).join(", ") } }] };
  if (body.length === 0) return { problems: [{ row: 0, key: "batch.noRows" }] };
  if (body.length > MOST_ROWS) return { problems: [{ row: 0, key: "batch.tooMany", values: { count: MOST_ROWS, given: body.length } }] };
  const problems: TableProblem[] = [];
  const rows = body.map((line, index): BatchRow => {
    const number = index + 1;
    const cells = places.map((place) => line[place] ?? "");
    const values: Record<string, FormValues[string]> = {};
    columns.forEach((field, column) => {
      // An empty cell is an empty field: the field's own default holds.
      const value = cellValue(field, cells[column] ?? "");
      values[field.variable] = value;
      const problem = problemOfCell(field, value);
      if (problem) problems.push({ ...problem, row: number, values: { ...problem.values, name: field.label } });
    });
    const inputs = problems.length > 0 ? {} : inputsOf(columns, values);
    return { number, cells, inputs, state: "waiting", run: newRun(`row-${number}`, 0), reason: "" };
  });
  return problems.length > 0 ? { problems } : { table: { fields: columns, rows } };
}

export interface Counts {
  readonly all: number;
  readonly ended: number;
  readonly done: number;
  readonly failed: number;
  readonly stopped: number;
}

export function countsOf(rows: readonly BatchRow[]): Counts {
  const of = (state: RowState): number => rows.filter((row) => row.state === state).length;
  const [done, failed, stopped] = [of("done"), of("failed"), of("stopped")];
  return { all: rows.length, ended: done + failed + stopped, done, failed, stopped };
}

/** A result in one cell: its text, else its values, with the addresses of its files. */
export function resultCell(run: Run): string {
  const text = resultText(run);
  const files = resultFiles(run).map((file) => file.url ?? file.name);
  const outputs = run.outputs && Object.keys(run.outputs).length > 0 ? JSON.stringify(run.outputs) : "";
  return [text || (files.length === 0 ? outputs : ""), ...files].filter((part) => part !== "").join("\n");
}

/** The table again, with what came of each row. */
export function resultsOf(table: Table, words: { readonly result: string; readonly status: string; readonly state: (state: RowState) => string }): string {
  const header = [...table.fields.map((field) => field.label), words.result, words.status];
  const rows = table.rows.map((row) => [
    ...row.cells,
    row.state === "done" ? resultCell(row.run) : "",
    row.reason === "" ? words.state(row.state) : `${words.state(row.state)}: ${row.reason}`,
  ]);
  return writeCsv([header, ...rows]);
}
