import { expect, it } from "vitest";
import { entriesFrom, logTree, withEntry } from "./agentLog";

const round = { id: "r1", label: "ROUND 1", parent_id: null, status: "start", data: {}, metadata: {} };
const call = {
  id: "c1",
  label: "CALL current_time",
  parent_id: "r1",
  status: "success",
  data: { output: "12:00" },
  metadata: { elapsed_time: 0.2, total_tokens: 4 },
};

it("steps go on, and stand under their round", () => {
  let entries = withEntry([], round);
  entries = withEntry(entries, call);
  entries = withEntry(entries, { ...round, status: "error", error: "broken" });
  expect(entries).toHaveLength(2);
  expect(withEntry(entries, "nonsense")).toBe(entries);
  const [top, ...others] = logTree(entries);
  expect(others).toEqual([]);
  expect(top).toMatchObject({
    label: "ROUND 1",
    status: "error",
    error: "broken",
    children: [{ label: "CALL current_time", seconds: 0.2, tokens: 4, children: [] }],
  });
});

it("what has lost its parent is still shown, and a circle ends", () => {
  expect(logTree(entriesFrom([{ ...call, parent_id: "gone" }])).map((each) => each.label)).toEqual(["CALL current_time"]);
  expect(logTree(entriesFrom([{ ...round, parent_id: "c1" }, call]))).toEqual([]);
  expect(entriesFrom(undefined)).toEqual([]);
});

it("a step tells its price where something was paid", () => {
  const priced = (total_price: unknown, currency: unknown = "USD") => entriesFrom([{ ...call, metadata: { total_price, currency } }])[0];
  expect(priced("0.0123")).toMatchObject({ price: 0.0123, currency: "USD" });
  for (const none of ["0", "", "much", null, undefined]) expect(priced(none)?.price).toBeUndefined();
  expect(priced("1", null)?.currency).toBeUndefined();
});
