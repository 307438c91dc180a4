import { describe, expect, it } from "vitest";
import type { ToolProvider } from "../../data/tools";
import {
  authKind,
  callOf,
  isLetIn,
  mcpDraft,
  mcpFields,
  mcpProblems,
  missingValues,
  pathOf,
  shownProviders,
  startValues,
  suggestedId,
  wantsOwnSignIn,
  wireAuth,
  wireValues,
} from "./model";

const time: ToolProvider = {
  id: "time",
  name: "time",
  type: "builtin",
  label: { en_US: "Time", zh_Hans: "时间" },
  description: { en_US: "Clock tools" },
  labels: ["utilities"],
  tools: [{ name: "current_time" }],
};
const search: ToolProvider = { id: "tavily", name: "tavily", type: "builtin", label: { en_US: "Tavily" }, labels: ["search", "utilities"] };
const server: ToolProvider = {
  id: "m1",
  name: "carriers",
  type: "mcp",
  server_url: "https://mcp.example.com/***",
  server_identifier: "carriers",
  is_team_authorization: false,
  masked_headers: { "X-Key": "ab***" },
};

describe("the list of providers", () => {
  it("shows a tab, searched in names, descriptions and tools, with every chosen label", () => {
    const all = [time, search, server];
    const names = (query: string, labels: string[] = [], kind = "builtin") => shownProviders(all, kind, query, labels, "en").map((each) => each.name);
    expect(names("")).toEqual(["time", "tavily"]);
    expect(names("clock")).toEqual(["time"]);
    expect(names("CURRENT_")).toEqual(["time"]);
    expect(names("", ["utilities", "search"])).toEqual(["tavily"]);
    expect(names("", [], "mcp")).toEqual(["carriers"]);
    expect(isLetIn(server)).toBe(false);
    expect(isLetIn(time)).toBe(true);
  });

  it("knows who has to sign in by themselves", () => {
    expect(wantsOwnSignIn(server)).toBe(false);
    expect(wantsOwnSignIn({ ...server, personal: true, signed_in: false })).toBe(true);
    expect(wantsOwnSignIn({ ...server, personal: true, signed_in: true })).toBe(false);
    expect(mcpFields(mcpDraft({ ...server, personal: true }, "en")).personal).toBe(true);
  });
});

describe("keys", () => {
  const fields = [
    { name: "api_key", type: "secret-input", required: true },
    { name: "region", type: "select", default: "eu" },
    { name: "size", type: "number" },
  ];
  it("keeps a stored secret that nobody touched", () => {
    const stored = { api_key: "sk-a************xy", region: "us" };
    const values = startValues(fields, stored);
    expect(values).toEqual({ api_key: "", region: "us", size: "" });
    expect(missingValues(fields, values, stored)).toEqual([]);
    expect(wireValues(fields, { ...values, size: "3" }, stored)).toEqual({ api_key: "sk-a************xy", region: "us", size: 3 });
  });
  it("asks for a secret that is not there", () => {
    expect(missingValues(fields, startValues(fields, {}), {})).toEqual(["api_key"]);
  });
});

describe("a test call", () => {
  const parameters = [
    { name: "place", type: "string", form: "llm", required: true },
    { name: "days", type: "number", form: "llm", default: 3 },
    { name: "body", type: "object", form: "llm" },
    { name: "loud", type: "boolean", form: "llm" },
  ];
  it("sends values of their types and leaves out what is empty", () => {
    expect(callOf(parameters, { place: "Bern", loud: "true", body: '{"a":1}' })).toEqual({
      call: { place: "Bern", days: 3, body: { a: 1 }, loud: true },
      wrong: [],
    });
  });
  it("names what is missing or no value of its type", () => {
    expect(callOf(parameters, { place: " ", days: "many", body: "[1]" }).wrong).toEqual(["place", "days", "body"]);
  });
});

describe("authorisation of an API", () => {
  it("has only the fields of its kind, and the stored key where none is typed", () => {
    const stored = { auth_type: "api_key_header", api_key_header: "X-Key", api_key_value: "s***t" };
    expect(wireAuth({ ...stored, api_key_value: "" }, stored)).toEqual({
      auth_type: "api_key_header",
      api_key_header: "X-Key",
      api_key_header_prefix: "bearer",
      api_key_value: "s***t",
    });
    expect(wireAuth({ ...stored, auth_type: "none" }, stored)).toEqual({ auth_type: "none" });
    expect(wireAuth({ auth_type: "api_key_query", api_key_value: "k" }, undefined)).toEqual({
      auth_type: "api_key_query",
      api_key_query_param: "key",
      api_key_value: "k",
    });
    expect(authKind({ auth_type: "api_key" })).toBe("api_key_header");
  });
});

describe("MCP servers", () => {
  it("says what is wrong with a new one", () => {
    expect(mcpProblems(mcpDraft(undefined, "en"), undefined)).toEqual({ url: "mcp.wrongUrl", name: "form.needName", identifier: "mcp.wrongId" });
    const draft = {
      ...mcpDraft(undefined, "en"),
      url: "https://a.example/mcp",
      name: "A",
      identifier: suggestedId("My Carriers & Co."),
      timeout: "0",
      ownClient: true,
    };
    expect(draft.identifier).toBe("my-carriers-co");
    expect(mcpProblems(draft, undefined)).toEqual({ timeout: "mcp.wrongSeconds", clientId: "form.required" });
  });
  it("takes a program in place of an address", () => {
    const draft = { ...mcpDraft(undefined, "en"), url: "stdio:", name: "A", identifier: "a", ownClient: true };
    expect(mcpProblems(draft, undefined)).toEqual({ url: "mcp.needProgram" });
    const headers = [
      { key: "A", name: "A", value: "1" },
      { key: "B", name: "B", value: "" },
    ];
    const chosen = { ...draft, url: "stdio:weather", headers };
    expect(mcpProblems(chosen, undefined)).toEqual({});
    expect(mcpFields(chosen)).toMatchObject({ server_url: "stdio:weather", headers: { A: "1" } });
    expect(mcpFields(chosen)).not.toHaveProperty("authentication");
    expect(mcpFields({ ...chosen, personal: true }).personal).toBe(false);
  });
  it("sends an untouched one as it came", () => {
    const draft = mcpDraft(server, "en");
    expect(mcpProblems(draft, server)).toEqual({});
    expect(mcpFields(draft)).toMatchObject({
      server_url: "https://mcp.example.com/***",
      name: "carriers",
      server_identifier: "carriers",
      headers: { "X-Key": "ab***" },
      configuration: { timeout: 30, sse_read_timeout: 300 },
    });
  });
});

it("finds the path of an operation", () => {
  expect(pathOf({ server_url: "https://api.example.com/v1/pets/{petId}", method: "get" })).toBe("/v1/pets/{petId}");
  expect(pathOf({ server_url: "nonsense", method: "get" })).toBe("nonsense");
});
