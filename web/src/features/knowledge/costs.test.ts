import { describe, expect, it } from "vitest";
import { costOf } from "./costs";

describe("the cost of embedding", () => {
  it.each([
    ["of the price for a million", "openai", { input: "0.02", unit: "0.000001", currency: "USD" }, { kind: "about", amount: 0.01, currency: "USD" }],
    ["of the price for a thousand", "other", { input: 0.5, unit: 0.001, currency: "CNY" }, { kind: "about", amount: 250, currency: "CNY" }],
    ["unknown without a price", "openai", null, { kind: "unknown" }],
    ["nothing inside the server", "oxidify/local", null, { kind: "free" }],
  ] as const)("is %s", (_, provider, pricing, cost) => {
    expect(costOf(500_000, provider, { pricing })).toEqual(cost);
  });

  it("is unknown for a model that is not listed", () => {
    expect(costOf(10, "openai", undefined)).toEqual({ kind: "unknown" });
  });
});
