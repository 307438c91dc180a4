import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { acceptedKind, acceptOf, fieldRules, kindOf, mappingOf, problemOf, rulesFrom, sizeText } from "../lib/files";
import en from "../locales/en/webapp.json";
import zh from "../locales/zh-Hans/webapp.json";
import { decodeValue, pageOf, readAddress } from "./address";
import { appended, grouped, groupOf, removed, renamed, repinned, touched } from "./conversations";
import { highlight } from "./highlight";
import { pieces } from "./pieces";
import { afterRunClose, afterRunEvent, newRun, resultText } from "./run";
import type { Conversation } from "./wire";
import { filled, siteFrom } from "./wire";
import { phrase } from "./words";

describe("the address", () => {
  it.each([
    ["/chat/abc123", { kind: "chat", code: "abc123" }],
    ["/chatbot/abc123/", { kind: "chatbot", code: "abc123" }],
    ["/workflow/x", { kind: "workflow", code: "x" }],
    ["/chat", null],
    ["/chat/%3Cscript", null],
    ["/apps/x", null],
  ])("%s", (path, expected) => expect(pageOf(path)).toEqual(expected));

  it("reads values as they are and as embedding scripts write them", async () => {
    const packed = gzipSync("名 value").toString("base64");
    expect(await decodeValue(packed)).toBe("名 value");
    expect(await decodeValue(packed.replaceAll("+", " "))).toBe("名 value");
    expect(await decodeValue("H4sIbroken")).toBe("H4sIbroken");
    const address = await readAddress(
      "/chat/abc",
      `?city=Basel&sys.user_id=${encodeURIComponent(gzipSync("u-1").toString("base64"))}&sys.other=1&theme=dark&locale=zh-Hans`,
    );
    expect(address).toMatchObject({ userId: "u-1", theme: "dark", locale: "zh-Hans", inputs: { city: "Basel" } });
  });
});

const conversation = (id: string, updatedAt = 0): Conversation => ({ id, name: id, inputs: {}, introduction: "", updatedAt });

describe("the list of conversations", () => {
  const lists = { pinned: [conversation("p")], recent: [conversation("a", 20), conversation("b", 10)] };
  const ids = (list: readonly Conversation[]): string => list.map((item) => item.id).join("");
  it("moves, renames, pins and removes", () => {
    expect(ids(touched(lists, conversation("b", 30)).recent)).toBe("ba");
    expect(ids(touched(lists, conversation("new", 30)).recent)).toBe("newab");
    expect(ids(touched(lists, conversation("p", 30)).recent)).toBe("ab");
    expect(renamed(lists, "a", "A").recent[0]?.name).toBe("A");
    expect(ids(repinned(lists, "b", true).pinned)).toBe("bp");
    expect(ids(repinned(lists, "p", false).recent)).toBe("abp");
    expect(ids(removed(lists, "a").recent)).toBe("b");
    expect(ids(appended(lists.recent, [conversation("b"), conversation("c")]))).toBe("abc");
  });
  it("is grouped by day", () => {
    const now = new Date(2026, 10, 21, 13, 0, 0);
    const at = (days: number): number => new Date(2026, 10, 21 - days, 12, 0, 0).getTime() / 1000;
    expect([0, 1, 3, 30].map((days) => groupOf(at(days), now))).toEqual(["today", "yesterday", "week", "earlier"]);
    expect(
      grouped([conversation("a", at(0)), conversation("b", at(0)), conversation("c", at(40))], now).map(({ group, items }) => `${group} ${items.length}`),
    ).toEqual(["today 2", "earlier 1"]);
  });
});

describe("files", () => {
  const rules = rulesFrom({
    enabled: true,
    allowed_file_types: ["image", "custom"],
    allowed_file_extensions: [".LOG"],
    allowed_file_upload_methods: ["local_file"],
    number_limits: 2,
  });
  const limits = { image: 1000, video: 0, audio: 0, other: 2000 };
  it("have a kind by extension, then by type", () => {
    expect(["a.PNG", "b.mp3", "c.pdf", "d.mov", "e.exe"].map((name) => kindOf(name))).toEqual(["image", "audio", "document", "video", "custom"]);
    expect(kindOf("noname", "image/png")).toBe("image");
  });
  it("are checked against rules and limits", () => {
    if (!rules) throw new Error("no rules");
    const check = (name: string, size: number, already = 0): string | undefined => problemOf(rules, limits, { name, size, type: "" }, already)?.key;
    expect([check("a.png", 900), check("a.png", 1100), check("a.png", 900, 2), check("x.log", 1500), check("x.pdf", 10), check("a.png", 0)]).toEqual([
      undefined,
      "files.tooBig",
      "files.tooMany",
      undefined,
      "files.wrongType",
      "files.empty",
    ]);
    expect(acceptedKind(rules, "x.log")).toBe("custom");
  });
  it("are off, or pictures only in the old shape", () => {
    expect(rulesFrom({ image: { enabled: false } })).toBeNull();
    expect(rulesFrom({ image: { enabled: true, number_limits: 4, transfer_methods: ["remote_url"] } })).toMatchObject({
      kinds: ["image"],
      most: 4,
      local: false,
      remote: true,
    });
    expect(rulesFrom(undefined)).toBeNull();
  });
  it("go into a field that says nothing about them, whatever they are", () => {
    const any = fieldRules("file", { max_length: 5 });
    expect(any).toEqual({ kinds: ["image", "document", "audio", "video", "custom"], extensions: [], most: 1, local: true, remote: true });
    expect([acceptOf(any), acceptedKind(any, "a.zip"), acceptedKind(any, "a.png")]).toEqual(["", "custom", "image"]);
    const named = { allowed_file_types: ["custom"], allowed_file_extensions: ["LOG"], allowed_file_upload_methods: ["remote_url"], max_length: 3 };
    expect(fieldRules("file-list", named)).toEqual({ kinds: ["custom"], extensions: [".log"], most: 3, local: false, remote: true });
    expect([acceptOf(fieldRules("file-list", named)), fieldRules("file-list", {}).most]).toEqual([".log", 10]);
  });
  it("are named to the server", () => {
    const file = { key: "k", name: "a.png", kind: "image" as const, size: 1, progress: 1, failed: null, uploadId: "u", url: "https://a.b/a.png" };
    expect(mappingOf({ ...file, remote: false })).toEqual({ type: "image", transfer_method: "local_file", upload_file_id: "u" });
    expect(mappingOf({ ...file, remote: true })).toEqual({ type: "image", transfer_method: "remote_url", url: "https://a.b/a.png" });
    expect([500, 2048, 3 * 1024 * 1024].map(sizeText)).toEqual(["500 B", "2 KB", "3 MB"]);
  });
});

describe("a run", () => {
  const events = (...list: { event: string; [key: string]: unknown }[]) => afterRunClose(list.reduce(afterRunEvent, newRun("r", 0)));
  it("gives its text or its outputs", () => {
    const streamed = events(
      { event: "text_chunk", task_id: "t", workflow_run_id: "w", data: { text: "Hel" } },
      { event: "text_chunk", data: { text: "lo" } },
      { event: "workflow_finished", data: { status: "succeeded", outputs: { answer: "Hello" } } },
    );
    expect([streamed.turn.state, resultText(streamed), streamed.runId, streamed.turn.taskId]).toEqual(["done", "Hello", "w", "t"]);
    const several = events({ event: "workflow_finished", data: { status: "partial-succeeded", outputs: { a: "x", n: 3 } } });
    expect([several.turn.state, resultText(several)]).toEqual(["done", ""]);
  });
  it("fails, stops and breaks off", () => {
    expect(events({ event: "workflow_finished", data: { status: "failed", error: "boom" } }).turn).toMatchObject({
      state: "failed",
      failure: { message: "boom" },
    });
    expect(events({ event: "workflow_finished", data: { status: "stopped" } }).turn.state).toBe("stopped");
    expect(events({ event: "workflow_started", data: {} }).turn.state).toBe("lost");
  });
});

describe("texts", () => {
  it("fill in values and choose the plural", () => {
    expect(phrase(en, "en", "source.used", { count: 1 })).toBe("Answer uses 1 chunk");
    expect(phrase(en, "en", "source.used", { count: 3 })).toBe("Answer uses 3 chunks");
    expect(phrase(zh, "zh-Hans", "source.used", { count: 3 })).toBe("回答引用了 3 个分段");
    expect(phrase(en, "en", "composer.next", { app: "Help {{x}}" })).toBe("Reply to Help {{x}}");
    expect(phrase(en, "en", "turn.version", { index: 1, count: 2 })).toBe("1 / 2");
    expect(phrase(en, "en", "no.such")).toBe("no.such");
  });
  it("fill the opening statement", () => expect(filled("Hi {{name}}, {{ other }}", { name: "Ada" })).toBe("Hi Ada, {{ other }}"));
});

describe("the site", () => {
  it("draws only real signs and colours", () => {
    const icon = (site: object) => siteFrom({ site });
    expect(icon({ icon: "🤖", icon_type: "emoji", icon_background: "#FFEAD5" })).toMatchObject({ icon: "🤖", iconBackground: "#FFEAD5" });
    expect(icon({ icon: "robot_face", icon_background: "url(x)" })).toMatchObject({ icon: null, iconBackground: null });
    expect(icon({ icon_type: "image", icon: "id", icon_url: "/files/1" })).toMatchObject({ icon: null, iconUrl: "/files/1" });
  });
});

describe("code colours", () => {
  it("come as pieces of plain text", () => {
    expect(pieces('<span class="hljs-tag">&lt;<span class="hljs-name">b</span>&gt;</span> &amp; x')).toEqual([
      { text: "<", name: "hljs-tag" },
      { text: "b", name: "hljs-name" },
      { text: ">", name: "hljs-tag" },
      { text: " & x", name: "" },
    ]);
    const code = 'const a = "<img onerror=x>"; // é';
    expect(
      highlight(code, "js")
        ?.map((piece) => piece.text)
        .join(""),
    ).toBe(code);
    expect(highlight("x", "no-such-language")).toBeNull();
  });
});
