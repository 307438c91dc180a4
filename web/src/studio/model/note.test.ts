import { describe, expect, it } from "vitest";
import { noteLines, noteText, storedNote } from "./note";

describe("notes", () => {
  it.each(["", "plain", "two\nlines", "**bold** and *italic* and ~~gone~~", "- one\n- **two**\nafter", "see [the docs](https://example.com/a?b=1) now", "***both***", "a * b and 2 ** 3", "- [x](https://example.com)\n\nend"])("%j comes back as it was written", (text) => {
    expect(noteText(storedNote(text))).toBe(text);
  });

  it("reads formats, links, lists and line breaks of other editors", () => {
    const leaf = (text: string, format = 0) => ({ type: "text", text, format });
    const other = JSON.stringify({
      root: {
        type: "root",
        children: [
          { type: "paragraph", children: [leaf("Hi ", 1), { type: "linebreak" }, { type: "link", url: "https://x.example", children: [leaf("there", 2)] }] },
          { type: "list", listType: "bullet", children: [{ type: "listitem", children: [leaf("a")] }] },
        ],
      },
    });
    expect(noteText(other)).toBe("**Hi **\n[*there*](https://x.example)\n- a");
    expect(noteLines(other).map((l) => l.item)).toEqual([false, false, true]);
  });

  it.each([
    [undefined, ""],
    ["not json", "not json"],
    ["{}", ""],
  ])("%j is read as %j", (stored, text) => {
    expect(noteText(stored)).toBe(text);
  });

  it("an address that is no web or mail address stays text", () => {
    expect(noteLines(storedNote("[x](javascript:alert)"))[0]?.runs).toEqual([{ text: "[x](javascript:alert)", format: 0 }]);
  });
});
