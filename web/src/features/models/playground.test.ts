import { describe, expect, it } from "vitest";
import { gatewayAddress } from "../../data/gateway";
import { dayOf, endOfDay } from "./gatewayKey";
import { BEGUN, ended, told } from "./playground";

describe("answers of several models", () => {
  it("are put together by their number", () => {
    let answers: ReturnType<typeof told> = [BEGUN, BEGUN];
    for (const event of [
      { event: "piece", index: 1, text: "b", reasoning: "" },
      { event: "piece", index: 0, text: "a", reasoning: "hm" },
      { event: "piece", index: 1, text: "c", reasoning: "" },
      { event: "done", index: 1, first_token: 0.1, total: 0.4, prompt_tokens: 3, completion_tokens: 2, cost: "0.0012", currency: "CNY" },
      { event: "piece", index: 1, text: "late", reasoning: "" },
      { event: "error", index: 0, message: "no", total: 0.2 },
      { event: "piece", index: 7, text: "nobody", reasoning: "" },
      { event: "end" },
    ])
      answers = told(answers, event);
    expect(answers[0]).toMatchObject({ state: "failed", text: "a", reasoning: "hm", error: "no", total: 0.2 });
    expect(answers[1]).toMatchObject({ state: "done", text: "bc", firstToken: 0.1, promptTokens: 3, completionTokens: 2, cost: 0.0012, currency: "CNY" });
  });

  it("tell an unknown price from none", () => {
    expect(told([BEGUN], { event: "done", index: 0, cost: null })[0]?.cost).toBeNull();
    expect(told([BEGUN], { event: "done", index: 0, cost: "0.0" })[0]?.cost).toBe(0);
  });

  it("are stopped, or fail with what broke", () => {
    const done = { ...BEGUN, state: "done" as const };
    expect(ended([BEGUN, done], "").map((answer) => answer.state)).toEqual(["stopped", "done"]);
    expect(ended([BEGUN], "cut")[0]).toMatchObject({ state: "failed", error: "cut" });
  });
});

describe("the last day of a key", () => {
  it("ends with its last second, where the reader is", () => {
    for (const day of ["2027-01-31", "2026-12-01"]) expect(dayOf(endOfDay(day))).toBe(day);
    expect([dayOf(null), endOfDay(""), endOfDay("soon")]).toEqual(["", null, null]);
  });
});

describe("the address of the gateway", () => {
  it.each([
    ["https://x.test/v1", "https://x.test/gateway/v1"],
    ["/v1", "https://here.test/gateway/v1"],
    ["", "https://here.test/gateway/v1"],
    ["https://x.test/base/v1/", "https://x.test/base/gateway/v1"],
  ])("follows that of the Service API: %s", (base, expected) => {
    expect(gatewayAddress(base, "https://here.test")).toBe(expected);
  });
});
