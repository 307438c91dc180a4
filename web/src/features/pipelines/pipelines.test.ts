import { describe, expect, it } from "vitest";
import type { PipelineField } from "../../data/pipelines";
import { inputsAt, type Look, lookOf, START, TOP } from "./drive";
import { currentValue, fileValue, firstValue, inputsOf, isReady, problemOf } from "./fields";
import { boxesOf, linesOf, NODE, sizeOf } from "./sketch";
import {
  advance,
  driveItem,
  fileItem,
  IDLE,
  nameOfInfo,
  onlineItem,
  type SourceState,
  STARTED,
  sourcesOf,
  toggled,
  webItem,
  webPages,
  workspaces,
} from "./sources";
import { chunksOf, mayGoOn, runOf } from "./steps";

const field = (part: Partial<PipelineField>): PipelineField => ({
  belong_to_node_id: "shared",
  type: "text-input",
  label: "L",
  variable: "v",
  required: true,
  ...part,
});

describe("data sources of a graph", () => {
  const graph = {
    nodes: [
      {
        id: "a",
        data: {
          type: "datasource",
          title: "File",
          provider_type: "local_file",
          provider_name: "file",
          plugin_id: "langgenius/file",
          fileExtensions: [".TXT", "md"],
        },
      },
      { id: "b", data: { type: "datasource", title: "Dream", provider_type: "online_dream" } },
      { id: "e", data: { type: "datasource", title: "Drive", provider_type: "online_drive", provider_name: "webdav", plugin_id: "oxidify/webdav" } },
      { id: "c", data: { type: "llm", title: "M" } },
      { id: "d" },
    ],
  };
  it("are those this server can read", () => {
    expect(sourcesOf(graph)).toEqual([
      { id: "a", title: "File", type: "local_file", pluginId: "langgenius/file", provider: "file", extensions: ["txt", "md"] },
      { id: "e", title: "Drive", type: "online_drive", pluginId: "oxidify/webdav", provider: "webdav", extensions: [] },
    ]);
    expect(sourcesOf(undefined)).toEqual([]);
  });
});

describe("a drive", () => {
  const file = { id: "a/b.txt", name: "b.txt", size: 3, type: "file" as const };
  const folder = { id: "a/", name: "a", size: 0, type: "folder" as const };
  it.each<[string, readonly unknown[], Look]>([
    [
      "buckets stand as folders at the top",
      [
        { bucket: "x", files: [] },
        { bucket: "y", files: [] },
      ],
      { buckets: ["x", "y"], bucket: "", entries: [], next: undefined },
    ],
    [
      "a part of a folder",
      [{ bucket: "x", files: [folder, file], is_truncated: true, next_page_parameters: { token: "t" } }],
      { buckets: [], bucket: "x", entries: [folder, file], next: { token: "t" } },
    ],
    ["a drive without buckets", [{ bucket: null, files: [file] }], { buckets: [], bucket: "", entries: [file], next: undefined }],
    ["nothing", [], { buckets: [], bucket: "", entries: [], next: undefined }],
    ["what is no entry is left out", [{ bucket: "x", files: [{ name: 1 }, file] }], { buckets: [], bucket: "x", entries: [file], next: undefined }],
  ])("%s", (_, data, look) => {
    expect(lookOf(TOP, data)).toEqual(look);
  });
  it("has empty buckets too", () => {
    expect(lookOf({ bucket: "x", prefix: "", name: "x" }, [{ bucket: "x", files: [] }])).toEqual({ buckets: [], bucket: "x", entries: [], next: undefined });
  });
  it("is asked for a folder, and for more of it", () => {
    expect(inputsAt(TOP, START)).toEqual({ prefix: "", max_keys: 50 });
    expect(inputsAt({ bucket: "x", prefix: "a/", name: "a" }, { token: "t" })).toEqual({
      bucket: "x",
      prefix: "a/",
      max_keys: 50,
      next_page_parameters: { token: "t" },
    });
  });
  it("gives files with where they are", () => {
    expect(driveItem("x", file, "k")).toEqual({ id: "x/a/b.txt", name: "b.txt", info: { bucket: "x", ...file, credential_id: "k" } });
    expect(driveItem("", file, "k").info).toEqual({ ...file, credential_id: "k" });
    expect(nameOfInfo("online_drive", driveItem("x", file, "k").info)).toBe("b.txt");
  });
});

describe("the stream of a data source", () => {
  const follow = (events: readonly { event: string; [key: string]: unknown }[]): SourceState => events.reduce(advance, STARTED);
  it.each([
    [[], STARTED],
    [[{ event: "datasource_processing", total: 4, completed: 1 }], { status: "running", total: 4, completed: 1 }],
    [[{ event: "ping" }, { event: "datasource_processing", total: "x" }], { status: "running", total: 0, completed: 0 }],
    [
      [
        { event: "datasource_processing", total: 1, completed: 1 },
        { event: "datasource_completed", data: [{ a: 1 }], time_consuming: 2.5 },
      ],
      { status: "done", data: [{ a: 1 }], seconds: 2.5 },
    ],
    [[{ event: "datasource_completed", data: null }], { status: "done", data: [], seconds: 0 }],
    [[{ event: "datasource_error", error: "no key" }], { status: "failed", error: "no key" }],
  ])("%j", (events, state) => {
    expect(follow(events)).toEqual(state);
  });
  it("changes nothing by what it does not know", () => {
    expect(advance(IDLE, { event: "ping" })).toBe(IDLE);
  });
});

describe("what is chosen", () => {
  it("is told to a run as each kind of source says it", () => {
    expect(fileItem("u1", "a.b.TXT").info).toEqual({ related_id: "u1", name: "a.b.TXT", extension: "txt", transfer_method: "local_file", type: "document" });
    expect(fileItem("u1", "README").info.extension).toBe("");
    const [page] = webPages([{ source_url: "https://a", title: "", content: "text", description: null }, { title: "no address" }]);
    expect(page && webItem(page)).toMatchObject({ id: "https://a", name: "https://a", info: { content: "text", description: "" } });
    const [workspace] = workspaces([{ workspace_id: "w", workspace_name: "W", pages: [{ page_id: "p", page_name: "P", type: "page" }] }, 3]);
    const [one] = workspace?.pages ?? [];
    if (!workspace || !one) throw new Error("no page");
    expect(onlineItem(workspace, one, "k1").info).toMatchObject({
      workspace_id: "w",
      page: { page_id: "p", page_name: "P", type: "page" },
      credential_id: "k1",
    });
  });

  it("is ticked and unticked, or one takes the place of another", () => {
    const [a, b] = [fileItem("a", "a"), fileItem("b", "b")];
    expect(toggled([a], b, false)).toEqual([a, b]);
    expect(toggled([a], b, true)).toEqual([b]);
    expect(toggled([a, b], a, false)).toEqual([b]);
  });

  it.each([
    ["local_file", { name: "a.txt" }, "a.txt"],
    ["website_crawl", { title: "", source_url: "https://a" }, "https://a"],
    ["online_document", { page: { page_name: "P" } }, "P"],
    ["online_document", { page: null }, ""],
    [null, null, ""],
  ] as const)("%s is called by its name", (type, info, name) => {
    expect(nameOfInfo(type, info)).toBe(name);
  });
});

describe("input fields", () => {
  it.each([
    [{ default_value: "x" }, "x"],
    [{ default_value: "" }, undefined],
    [{ type: "checkbox", default_value: "true" }, true],
    [{ type: "checkbox" }, false],
    [{ type: "number", default_value: "12" }, 12],
    [{ type: "number", default_value: "much" }, undefined],
  ])("%j begins with %j", (part, value) => {
    expect(firstValue(field(part))).toBe(value);
  });

  it.each([
    [{}, "", "required"],
    [{ required: false }, "", undefined],
    [{ type: "checkbox" }, false, undefined],
    [{ max_length: 2 }, "abc", "tooLong"],
    [{ type: "number", max_length: 2 }, 1000, undefined],
    [{ type: "file-list", max_length: 1 }, [{}, {}], "tooMany"],
    [{ type: "select", options: ["a"] }, "b", "notOffered"],
    [{ type: "select", options: ["a"] }, "a", undefined],
  ])("%j with %j: %s", (part, value, code) => {
    expect(problemOf(field(part), value)?.code).toBe(code);
  });

  it("are sent as typed, with what they begin with, and without what is empty", () => {
    const fields = [
      field({ variable: "a" }),
      field({ variable: "n", type: "number", default_value: 5 }),
      field({ variable: "e", required: false }),
      field({ variable: "c", type: "checkbox" }),
    ];
    expect(isReady(fields, {})).toBe(false);
    expect(isReady(fields, { a: "x" })).toBe(true);
    expect(inputsOf(fields, { a: "x", e: "", other: 1 })).toEqual({ a: "x", n: 5, c: false });
    expect(currentValue(field({ variable: "n", default_value: "5" }), { n: null })).toBeNull();
    expect(fileValue({ id: "u", name: "a.png", mime_type: "image/png" })).toEqual({
      type: "image",
      transfer_method: "local_file",
      upload_file_id: "u",
      name: "a.png",
    });
  });
});

describe("the steps", () => {
  const [source] = sourcesOf({ nodes: [{ id: "d", data: { type: "datasource", provider_type: "local_file" } }] });
  const item = fileItem("u", "a.txt");
  it.each([
    [source, [item], false, true],
    [source, [], false, false],
    [source, [item], true, false],
    [undefined, [item], false, false],
  ])("go on %#", (from, items, waiting, may) => {
    expect(mayGoOn(from, items, waiting)).toBe(may);
  });

  it("end in a run of all that was chosen", () => {
    if (!source) throw new Error("no source");
    expect(runOf(source, [item, fileItem("v", "b.txt")], { a: 1 })).toMatchObject({
      start_node_id: "d",
      datasource_type: "local_file",
      inputs: { a: 1 },
      datasource_info_list: [{ related_id: "u" }, { related_id: "v" }],
    });
  });

  it("show the chunks a run gave", () => {
    expect(chunksOf({ chunk_structure: "text_model", preview: [{ content: "x" }], total_segments: 7 })).toEqual({
      form: "text_model",
      estimate: { total_segments: 7, preview: [{ content: "x" }], qa_preview: null },
    });
    expect(chunksOf({ chunk_structure: "qa_model", qa_preview: [{ question: "q", answer: "a" }] })?.estimate.total_segments).toBe(1);
    for (const other of [undefined, null, "text", {}, { chunk_structure: "text_model" }]) expect(chunksOf(other)).toBeUndefined();
  });
});

describe("the picture of a graph", () => {
  const graph = {
    nodes: [
      { id: "a", position: { x: 100, y: 200 }, data: { type: "datasource", title: "File" } },
      { id: "b", position: { x: 400, y: 300 }, data: { type: "tool" } },
      { id: "n", type: "custom-note", position: { x: -900, y: 0 }, data: {} },
      { id: "i", parentId: "b", position: { x: 0, y: 0 }, data: {} },
    ],
    edges: [
      { source: "a", target: "b" },
      { source: "a", target: "n" },
    ],
  };
  it("begins at its first node and leaves out notes and what is inside of others", () => {
    const boxes = boxesOf(graph);
    expect(boxes.map(({ id, title, x, y }) => [id, title, x, y])).toEqual([
      ["a", "File", 0, 0],
      ["b", "b", 216, 50],
    ]);
    expect(linesOf(graph, boxes).map((line) => line.id)).toEqual(["a-b"]);
    expect(sizeOf(boxes)).toEqual({ width: 216 + NODE.width, height: 50 + NODE.height });
    expect(boxesOf({})).toEqual([]);
  });
});
