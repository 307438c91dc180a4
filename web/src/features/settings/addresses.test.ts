import { describe, expect, it } from "vitest";
import { splitAddresses } from "./addresses";

describe("splitAddresses", () => {
  it.each([
    ["a@b.co", ["a@b.co"], []],
    ["a@b.co, c@d.eu;e@f.org\ng@h.io", ["a@b.co", "c@d.eu", "e@f.org", "g@h.io"], []],
    ["Mara Keller <mara@halden.eu>, jonas@halden.eu", ["mara@halden.eu", "jonas@halden.eu"], []],
    ["A@B.co a@b.co", ["a@b.co"], []],
    ["mara@halden", [], ["mara@halden"]],
    ["  ", [], []],
    ["a@b.co，c@d.eu", ["a@b.co", "c@d.eu"], []],
  ])("%s", (text, good, bad) => expect(splitAddresses(text)).toEqual({ good, bad }));
});
