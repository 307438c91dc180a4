import { expect, test } from "vitest";
import { marked, type PaletteGroup, readQuery, search } from "./paletteRows";

const row = (label: string, about?: string) => ({ key: label, label, about, tile: null, run: () => undefined });
const GROUPS: readonly PaletteGroup[] = [
  { key: "canvas", heading: "On this canvas", sort: "thing", rows: [row("Draft reply", "LLM"), row("Refund sum", "Code")] },
  { key: "apps", heading: "Apps", sort: "thing", rows: [row("Call notes", "reads records"), row("Warehouse refunds"), row("Refund checker")] },
  { key: "do", heading: "Do", sort: "command", rows: [row("Refresh models")] },
];
const labels = (text: string) => search(GROUPS, text).map((group) => group.rows.map((each) => each.label));

test.each([
  ["", [["Draft reply", "Refund sum"], ["Call notes", "Warehouse refunds", "Refund checker"], ["Refresh models"]]],
  ["ref", [["Refund sum"], ["Refund checker", "Warehouse refunds"], ["Refresh models"]]],
  ["RE", [["Refund sum", "Draft reply"], ["Refund checker", "Warehouse refunds", "Call notes"], ["Refresh models"]]],
  ["llm draft", [["Draft reply"]]],
  ["@ref", [["Refund sum"], ["Refund checker", "Warehouse refunds"]]],
  ["/ref", [["Refresh models"]]],
  ["nothing like it", []],
])("%s finds its rows, the canvas first, the best first", (text, wanted) => {
  expect(labels(text)).toEqual(wanted);
});

test("a mark in front chooses things or commands", () => {
  expect(readQuery("  @ Ref und")).toEqual({ sort: "thing", words: ["ref", "und"] });
  expect(readQuery("a/b")).toEqual({ sort: undefined, words: ["a/b"] });
});

test("what was found is marked", () => {
  expect(marked("Draft reply", "re dra")).toEqual([
    { text: "Dra", hit: true },
    { text: "ft ", hit: false },
    { text: "re", hit: true },
    { text: "ply", hit: false },
  ]);
  expect(marked("Draft", "x")).toEqual([{ text: "Draft", hit: false }]);
  expect(marked("İstanbul", "i")).toEqual([{ text: "İstanbul", hit: false }]);
});
