import { expect, it } from "vitest";
import { isShut } from "../api";
import { toolRows } from "./toolRows";

const provider = (id: string, type: string, tools: string[]) => ({ id, name: id, type, label: { en_US: id.toUpperCase() }, tools: tools.map((name) => ({ name, label: { en_US: name }, description: undefined, parameters: [], output_schema: undefined })) });

it("lists tools by provider, from where one looks, and those that are searched", () => {
  const all = [provider("time", "builtin", ["now", "weekday"]), provider("shop", "api", ["pets"])];
  const names = (query: string, from: "all" | "builtin" | "api" | "mcp" = "all") => toolRows(all, query, from, "en").map((row) => row.name);
  expect(names("")).toEqual(["now", "weekday", "pets"]);
  expect(names("", "api")).toEqual(["pets"]);
  expect(names("", "mcp")).toEqual([]);
  expect(names("TIME week")).toEqual(["weekday"]);
  expect(names("week")).toEqual(["weekday"]);
  expect(names("shop")).toEqual(["pets"]);
  expect(new Set(toolRows(all, "", "all", "en").map((row) => row.key)).size).toBe(3);
});

it("a run stops where the workspace is not in, or whoever builds by themselves", () => {
  const server = provider("who", "mcp", ["whoami"]);
  expect(isShut(server)).toBe(false);
  expect(isShut({ ...server, is_team_authorization: false })).toBe(true);
  expect(isShut({ ...server, is_team_authorization: true, personal: true, signed_in: false })).toBe(true);
  expect(isShut({ ...server, is_team_authorization: false, personal: true, signed_in: true })).toBe(false);
});
