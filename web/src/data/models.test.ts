import { expect, it } from "vitest";
import { perMillion } from "./models";

it("prices are for a million tokens, and unknown where nobody says", () => {
  expect(perMillion({ input: "3", output: "15", unit: "0.000001", currency: "USD" })).toEqual({ input: 3, output: 15, currency: "USD" });
  expect(perMillion({ input: "0.002", output: null, unit: "0.001", currency: "CNY" })).toEqual({ input: 2, output: undefined, currency: "CNY" });
  expect(perMillion(null)).toBeUndefined();
  expect(perMillion({ input: "free" })).toBeUndefined();
});
