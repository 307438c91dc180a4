import { describe, expect, it } from "vitest";
import { keyRows, moved } from "./routes";

const stored = [
  { credential_id: "a", credential_name: "A" },
  { credential_id: "b", credential_name: "B" },
];

describe("keys of a model", () => {
  it("takes all stored keys when none was chosen", () => {
    expect(keyRows([], stored)).toEqual([
      { name: "A", credential_id: "a", enabled: true },
      { name: "B", credential_id: "b", enabled: true },
    ]);
  });
  it("keeps what was chosen and offers the rest switched off", () => {
    const inherited = { id: "1", name: "__inherit__", credential_id: null, enabled: true };
    const chosen = { id: "2", name: "B", credential_id: "b", enabled: false };
    expect(keyRows([inherited, chosen], stored)).toEqual([inherited, chosen, { name: "A", credential_id: "a", enabled: false }]);
  });
});

describe("the order of stand-ins", () => {
  const cases: [number, -1 | 1, string][] = [
    [0, 1, "bac"],
    [2, -1, "acb"],
    [0, -1, "abc"],
    [2, 1, "abc"],
  ];
  it.each(cases)("moves %i by %i", (at, by, text) => {
    expect(moved(["a", "b", "c"], at, by).join("")).toBe(text);
  });
});
