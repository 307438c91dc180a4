import { expect, it } from "vitest";
import { limitOf, limitText } from "./limits";

it.each([
  ["", 0],
  [" 60 ", 60],
  ["0", 0],
  ["1.5", undefined],
  ["-1", undefined],
  ["many", undefined],
  ["1000001", undefined],
])("a limit typed as %j", (typed, limit) => expect(limitOf(typed)).toBe(limit));

it("unlimited is an empty field", () => expect([limitText(0), limitText(5)]).toEqual(["", "5"]));
