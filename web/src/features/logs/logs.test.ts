import { describe, expect, it } from "vitest";
import { consoleTime } from "../../lib/zone";
import { type Conversation, isRunLog, type NodeExecution, titleOf } from "./api";
import { causeOf } from "./causes";
import { logsSearch, rangeStart } from "./search";
import { answered, culprit, firstTokenOf, spansOf } from "./spans";

const base: NodeExecution = {
  id: "a",
  index: 1,
  node_id: "n1",
  node_type: "start",
  title: "Start",
  inputs: {},
  process_data: null,
  outputs: {},
  status: "succeeded",
  error: null,
  elapsed_time: 0.5,
  execution_metadata: null,
  created_at: 100,
  finished_at: 101,
  started_at_ms: 100_250,
};

describe("who answered", () => {
  it.each([
    [
      { model_name: "big", answered_by: { provider: "p", model: "small", route: "tier", rule: "short" } },
      { how: "tier", model: "small", wanted: "big", rule: "short" },
    ],
    [
      { model_name: "big", answered_by: { provider: "p", model: "big", cache: "hit" } },
      { how: "hit", model: "big", wanted: "big", rule: "" },
    ],
    [{ answered_by: { model: "small", route: "tier", cache: "semantic" } }, { how: "semantic", model: "small", wanted: "", rule: "" }],
    [{ model_name: "big", answered_by: { model: "small", route: "newer" } }, undefined],
    [{ model_name: "big" }, undefined],
    [null, undefined],
  ])("is read from %j", (process, expected) => {
    expect(answered(process)).toEqual(expected);
  });
});

describe("spans", () => {
  it("are measured from the first start, to the millisecond", () => {
    const spans = spansOf([base, { ...base, id: "b", node_id: "n2", index: 2, started_at_ms: 100_900, elapsed_time: 1.1 }]);
    expect(spans.map((s) => [s.start, s.end])).toEqual([
      [0, 0.5],
      [0.65, 1.75],
    ]);
  });
  it("read tokens, price, first token and rounds", () => {
    const spans = spansOf([
      { ...base, id: "l", node_id: "it", node_type: "iteration", elapsed_time: 3 },
      ...[0, 1].map((at) => ({
        ...base,
        id: `x${at}`,
        index: 2 + at,
        node_id: "m",
        node_type: "llm",
        process_data: { usage: { time_to_first_token: 0.2 } },
        execution_metadata: { total_tokens: 31, total_price: "0.0001", currency: "USD", iteration_id: "it", iteration_index: at },
      })),
    ]);
    expect(spans[0]?.rounds).toEqual({ done: 2, of: 2 });
    expect(spans[2]).toMatchObject({ tokens: 31, price: 0.0001, firstToken: 0.2, container: "it", round: 1 });
    expect(firstTokenOf(spans)).toBe(0.2);
  });
  it("count the rounds of a container that failed by those that are done", () => {
    const inner = [0, 1].map((at) => ({ ...base, id: `x${at}`, index: 2 + at, node_id: "m", execution_metadata: { iteration_id: "it", iteration_index: at } }));
    const box = { ...base, id: "l", node_id: "it", node_type: "iteration", inputs: { iterator_selector: ["a", "b", "c"] } };
    const rounds = (status: string) => spansOf([{ ...box, status }, ...inner])[0]?.rounds;
    expect(rounds("failed")).toEqual({ done: 1, of: 3 });
    expect(rounds("succeeded")).toEqual({ done: 3, of: 3 });
    expect(spansOf([base])[0]?.rounds).toBeUndefined();
  });
  it("fold the rows of tries into the node; a running node has no end", () => {
    const spans = spansOf([
      { ...base, id: "t1", status: "retry", error: "first", elapsed_time: 0.1 },
      { ...base, id: "t2", index: 2, status: "running", started_at_ms: 100_750 },
    ]);
    expect(spans).toHaveLength(1);
    expect(spans[0]).toMatchObject({ start: 0, retries: [{ index: 1, at: 0.1, error: "first" }] });
    expect(spans[0]?.end).toBeUndefined();
  });
  it("count tries of which only the number was kept, each at a place of its own", () => {
    const [span] = spansOf([{ ...base, retry_index: 2 }]);
    expect(span?.retries.map((r) => r.index)).toEqual([1, 2]);
    expect(new Set(span?.retries.map((r) => r.at)).size).toBe(2);
  });
  it("name the node that explains the run", () => {
    const [bad, soft] = [
      { ...base, id: "bad", index: 3, status: "failed" },
      { ...base, id: "soft", index: 2, status: "exception" },
    ];
    expect(culprit(spansOf([base, soft, bad]))?.key).toBe("bad");
    expect(culprit(spansOf([base, soft]))?.key).toBe("soft");
    expect(culprit(spansOf([base]))).toBeUndefined();
    expect(culprit(spansOf([]))).toBeUndefined();
  });
});

describe("causes", () => {
  it.each([
    ["Access to 'http://10.0.0.1' was blocked by SSRF protection. Reason: private_ip.", "http-request", "egress", "node"],
    ["[openai] Authorization Error (401): Incorrect API key provided", "llm", "key", "models"],
    ["Request failed with status code 401", "http-request", "httpKey", "node"],
    ["[oxidify/scripted] Rate Limit Error (429): the scripted model fails as it was told", "llm", "rate", "models"],
    ["no answer from api.example within 5s (connecting)", "http-request", "httpTimeout", "node"],
    ["cannot connect to api.example: refused", "llm", "modelUnreachable", "models"],
    ["Model gpt-9 does not exist.", "llm", "model", "models"],
    ["Code is off: set OXIDIFY_CODE_UNCONFINED=true", "code", "codeOff", "server"],
    ["x is not defined", "code", "code", "node"],
    ["query is required in input form", undefined, "input", "api"],
    ["something else", "llm", "other", "node"],
    ["something else", undefined, "other", undefined],
  ])("%s at %s is %s", (error, kind, key, fix) => expect(causeOf(error, kind)).toMatchObject({ key, fix }));
  it("keep the status of an answer", () => expect(causeOf("Request failed with status code 503", "http-request").status).toBe("503"));
});

describe("search", () => {
  it("takes what it knows from the address and drops the rest", () =>
    expect(logsSearch.parse({ status: "failed", range: "9y", q: 12, run: "r", other: 1 })).toEqual({ status: "failed", q: "12", run: "r", range: undefined }));
  it("starts a range on the minute", () => {
    const now = Date.UTC(2026, 10, 21, 13, 37, 42);
    expect(rangeStart("1h", now)?.toISOString()).toBe("2026-11-21T12:37:00.000Z");
    expect(rangeStart("all", now)).toBeUndefined();
  });
  it("writes times in the zone of the account", () => {
    expect(consoleTime(new Date("2026-11-21T16:30:00Z"), "Asia/Shanghai")).toBe("2026-11-22 00:30");
    expect(consoleTime(new Date("2026-11-21T16:30:00Z"), "UTC")).toBe("2026-11-21 16:30");
  });
});

describe("rows", () => {
  const chat: Conversation = {
    id: "c",
    name: "New conversation",
    summary: null,
    inputs: { n: 1, query: "a lamp" },
    from_source: "api",
    from_end_user_session_id: "u",
    from_account_name: null,
    read_at: null,
    created_at: 1,
    updated_at: 1,
    message_count: 1,
    user_feedback_stats: { like: 0, dislike: 0 },
    admin_feedback_stats: { like: 0, dislike: 0 },
    status_count: null,
  };
  it("of forms are known by what was filled in", () => expect([titleOf(chat, true), titleOf(chat, false)]).toEqual(["a lamp", "New conversation"]));
  it("come from the log only for published workflows", () =>
    expect([isRunLog("workflow", false), isRunLog("workflow", true), isRunLog("advanced-chat", false)]).toEqual([true, false, false]));
});
