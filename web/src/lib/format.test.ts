import { describe, expect, it } from "vitest";
import { makeFormat } from "./format";

describe("makeFormat", () => {
  const en = makeFormat("en");
  const zh = makeFormat("zh-Hans");
  it.each([
    [en.duration(0.0042), "4\u00a0ms"],
    [en.duration(0.00042), "0.4\u00a0ms"],
    [en.duration(0.00002), "<\u20090.1\u00a0ms"],
    [zh.duration(0), "<\u20090.1\u00a0ms"],
    [en.duration(2.1), "2.10\u00a0s"],
    [en.duration(2.14, 1), "2.1\u00a0s"],
    [en.duration(140), "140\u00a0s"],
    [zh.duration(2.1, 1), "2.1\u00a0s"],
    [en.money(18.4), "$18.40"],
    [zh.money(18.4), "$18.40"],
    [en.money(0.0112), "$0.0112"],
    [en.money(3, "CNY"), "¥3.00"],
    [en.bytes(1_500_000), "1.5 MB"],
    [en.ago(0, 7200), "2 hr. ago"],
  ])("%s", (text, wanted) => expect(text).toBe(wanted));
});
