import { describe, expect, it } from "vitest";
import type { Attachment } from "../lib/files";
import { type FormValues, fieldsFrom, inputsAgain, inputsOf, problemsOf, shownInputs, startValues } from "./form";

const fields = fieldsFrom([
  { "text-input": { variable: "name", label: "Name", required: true, max_length: 5, default: "Ada" } },
  { paragraph: { variable: "text", label: "Text", required: false } },
  { select: { variable: "tone", label: "Tone", required: true, options: ["warm", "dry"] } },
  { number: { variable: "count", label: "Count", required: false } },
  { checkbox: { variable: "short", label: "Short", required: false, default: true } },
  { json_object: { variable: "data", label: "Data", required: false } },
  { file: { variable: "doc", label: "Doc", required: true, allowed_file_types: ["document"], allowed_file_upload_methods: ["local_file"] } },
  { "file-list": { variable: "pics", label: "Pictures", required: false, max_length: 2, allowed_file_types: ["image"] } },
  { "text-input": { variable: "secret", label: "Secret", required: true, hide: true } },
  { external_data_tool: { variable: "tool", label: "Tool" } },
  {},
]);
const doc: Attachment = { key: "k", name: "a.pdf", kind: "document", size: 3, progress: 1, failed: null, uploadId: "u1", url: null, remote: false };
const good: FormValues = { ...startValues(fields), tone: "dry", doc: [doc] };
const problems = (change: FormValues): Record<string, string> =>
  Object.fromEntries(Object.entries(problemsOf(fields, { ...good, ...change })).map(([key, problem]) => [key, problem.key]));

describe("the form of an app", () => {
  it("reads its fields and their defaults", () => {
    expect(fields.map((field) => field.variable)).toEqual(["name", "text", "tone", "count", "short", "data", "doc", "pics", "secret"]);
    expect(startValues(fields, { tone: "loud", count: 3, short: "false" })).toMatchObject({ name: "Ada", tone: "", count: "3", short: false, doc: [] });
    expect(fields.find((field) => field.variable === "pics")?.upload).toMatchObject({ most: 2, kinds: ["image"] });
  });

  it.each<[string, FormValues, Record<string, string>]>([
    ["nothing wrong", {}, {}],
    ["blank text", { name: "  " }, { name: "form.required" }],
    ["too long", { name: "Adalbert" }, { name: "form.tooLong" }],
    ["five signs outside the first plane", { name: "😀😀😀😀😀" }, {}],
    ["nothing chosen", { tone: "" }, { tone: "form.choose" }],
    ["no number", { count: "many" }, { count: "form.number" }],
    ["a number", { count: "-1.5" }, {}],
    ["no object", { data: "[1]" }, { data: "form.object" }],
    ["broken object", { data: "{" }, { data: "form.object" }],
    ["no file", { doc: [] }, { doc: "form.file" }],
    ["file on its way", { doc: [{ ...doc, progress: 0.4 }] }, { doc: "form.fileBusy" }],
    ["file refused", { doc: [{ ...doc, failed: "x" }] }, { doc: "form.fileFailed" }],
    ["too many files", { pics: [doc, doc, doc] }, { pics: "files.tooMany" }],
  ])("finds: %s", (_, change, expected) => expect(problems(change)).toEqual(expected));

  it("sends what the server expects and leaves out what is empty", () => {
    expect(inputsOf(fields, { ...good, count: "7", data: '{"a":1}' })).toEqual({
      name: "Ada",
      text: "",
      tone: "dry",
      count: 7,
      short: true,
      data: { a: 1 },
      doc: { type: "document", transfer_method: "local_file", upload_file_id: "u1" },
      pics: [],
      secret: "",
    });
    expect(inputsOf(fields, { ...good, tone: "", doc: [] })).not.toHaveProperty("tone");
    expect(inputsOf(fields, { ...good, doc: [] })).not.toHaveProperty("doc");
  });

  it("sends stored inputs again with files by their upload", () => {
    const stored = {
      name: "Ada",
      doc: { type: "document", transfer_method: "local_file", related_id: "u1", filename: "a.pdf" },
      pics: [{ type: "image", transfer_method: "remote_url", remote_url: "https://a.b/c.png" }],
    };
    expect(inputsAgain(stored)).toEqual({
      name: "Ada",
      doc: { type: "document", transfer_method: "local_file", upload_file_id: "u1" },
      pics: [{ type: "image", transfer_method: "remote_url", url: "https://a.b/c.png" }],
    });
    expect(shownInputs(fields, stored)).toEqual([
      { label: "Name", value: "Ada" },
      { label: "Doc", value: "a.pdf" },
      { label: "Pictures", value: "c.png" },
    ]);
  });
});
