import { describe, expect, it } from "vitest";
import { safeHref, safeImage } from "./links";
import { type Block, cells, type Inline, parse, parseInline, splitBlocks } from "./markdown";

/** A short form of inline parts: `*bold*` as [strong bold]. */
function short(parts: readonly Inline[]): string {
  return parts
    .map((part) => {
      if (part.kind === "text") return part.text;
      if (part.kind === "break") return "⏎";
      if (part.kind === "code") return `[code ${part.text}]`;
      if (part.kind === "image") return `[image ${part.src}]`;
      if (part.kind === "cite") return `[cite ${part.position}]`;
      if (part.kind === "link") return `[link ${part.href} ${short(part.parts)}]`;
      return `[${part.kind} ${short(part.parts)}]`;
    })
    .join("");
}

function shape(block: Block): string {
  if (block.kind === "paragraph") return short(block.parts);
  if (block.kind === "heading") return `h${block.level} ${short(block.parts)}`;
  if (block.kind === "code") return `code(${block.language}${block.closed ? "" : ", open"}) ${block.text}`;
  if (block.kind === "list") {
    const items = block.items.map((item) => `${item.checked === null ? "" : item.checked ? "x " : "_ "}${item.blocks.map(shape).join(" / ")}`);
    return `${block.ordered ? `ol${block.start}` : "ul"}(${items.join(" | ")})`;
  }
  if (block.kind === "quote") return `quote(${block.blocks.map(shape).join(" / ")})`;
  if (block.kind === "thinking") return `thinking${block.closed ? "" : "…"}(${block.blocks.map(shape).join(" / ")})`;
  if (block.kind === "table") return `table(${[block.head, ...block.rows].map((row) => row.map(short).join(",")).join(";")})`;
  return block.kind;
}

const shapes = (source: string): string[] => parse(source).map(shape);

describe("addresses", () => {
  it.each([
    ["https://example.com/a?b=1#c", "https://example.com/a?b=1#c"],
    ["mailto:a@b.c", "mailto:a@b.c"],
    ["tel:+41", "tel:+41"],
    ["/files/1/file-preview?sign=x", "/files/1/file-preview?sign=x"],
    ["#part", "#part"],
    ["javascript:alert(1)", null],
    ["JaVaScRiPt:alert(1)", null],
    ["java\nscript:alert(1)", null],
    ["\u0001javascript:alert(1)", null],
    ["data:text/html,<script>", null],
    ["vbscript:x", null],
    ["file:///etc/passwd", null],
    ["//evil.example", null],
    ["/\\evil.example", null],
    ["/\t/evil.example", null],
    ["relative.html", null],
    ["", null],
  ])("%j → %j", (address, expected) => expect(safeHref(address)).toBe(expected));

  it("takes pictures from the web and small embedded ones, no others", () => {
    expect(safeImage("https://a.b/c.png")).toBe("https://a.b/c.png");
    expect(safeImage("data:image/png;base64,AAAA")).toBe("data:image/png;base64,AAAA");
    expect(safeImage("data:image/svg+xml;base64,AAAA")).toBeNull();
    expect(safeImage("mailto:a@b.c")).toBeNull();
  });
});

describe("inline", () => {
  it.each([
    ["plain", "plain"],
    ["**bold** and *it* and _it_", "[strong bold] and [em it] and [em it]"],
    ["***both***", "[strong [em both]]"],
    ["**a *b* c**", "[strong a [em b] c]"],
    ["~~gone~~ ~kept~", "[del gone] ~kept~"],
    ["snake_case_name and 2*3*4 = 24", "snake_case_name and 2[em 3]4 = 24"],
    ["a * b * c", "a * b * c"],
    ["**open", "**open"],
    ["`code **x**` and ``a ` b``", "[code code **x**] and [code a ` b]"],
    ["`open", "`open"],
    ["**b `**` c**", "[strong b [code **] c]"],
    ["\\*no\\* \\`x", "*no* `x"],
    ["[a](https://b.c)", "[link https://b.c a]"],
    ['[a](https://b.c "title")', "[link https://b.c a]"],
    ["[wiki](https://e.org/a_(b))", "[link https://e.org/a_(b) wiki]"],
    ["[bad](javascript:alert(1))", "bad"],
    ["![pic](https://a.b/c.png)", "[image https://a.b/c.png]"],
    ["![pic](javascript:x)", "pic"],
    ["see https://a.b/c_d_e. Then", "see [link https://a.b/c_d_e https://a.b/c_d_e]. Then"],
    ["(https://a.b/c)", "([link https://a.b/c https://a.b/c])"],
    ["见https://a.b/c。好", "见[link https://a.b/c https://a.b/c]。好"],
    ["<https://a.b>", "[link https://a.b https://a.b]"],
    ["<script>alert(1)</script>", "<script>alert(1)</script>"],
    ["<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"],
    ["a<br>b", "a⏎b"],
    ["one\ntwo", "one⏎two"],
    ["a &amp; b &lt;b&gt;", "a & b <b>"],
    ["[1] and [9]", "[1] and [9]"],
  ])("%j → %j", (source, expected) => expect(short(parseInline(source))).toBe(expected));

  it("makes citations of numbers up to the number of sources", () => {
    expect(short(parseInline("so.[1][2] [3] `[1]` [1](https://a.b)", { sources: 2 }))).toBe("so.[cite 1][cite 2] [3] [code [1]] [link https://a.b 1]");
  });

  it("is quick on hostile text", () => {
    const began = performance.now();
    for (const text of ["*".repeat(4000), "[".repeat(4000), "`".repeat(4001), `${"a*b_".repeat(1000)}`, `${"![".repeat(2000)}`]) parseInline(text);
    expect(performance.now() - began).toBeLessThan(4000);
  });
});

describe("blocks", () => {
  it.each<[string, string[]]>([
    ["# A\n\ntext\nmore", ["h1 A", "text⏎more"]],
    ["```js\nlet a = 1;\n\n# no\n```\nafter", ["code(js) let a = 1;\n\n# no", "after"]],
    ["```py\nopen", ["code(py, open) open"]],
    ["~~~\n```\n~~~", ["code() ```"]],
    ["- a\n- b\n  - c\n  - d\n- e", ["ul(a | b / ul(c | d) | e)"]],
    ["1. a\n2. b\n\n3. c", ["ol1(a | b | c)"]],
    ["3) a\n4) b", ["ol3(a | b)"]],
    ["- [ ] todo\n- [x] done", ["ul(_ todo | x done)"]],
    ["1. a\n   ```\n   code\n   ```\n2. b", ["ol1(a / code() code | b)"]],
    ["- a\n\n  more\n- b", ["ul(a / more | b)"]],
    ["text\n- a", ["text", "ul(a)"]],
    ["in 1984.\n1984. was a year", ["in 1984.⏎1984. was a year"]],
    ["> a\n> b\n>\n> - c\n\nd", ["quote(a⏎b / ul(c))", "d"]],
    ["a | b\n--- | :-:\n1 | `x|y`\n2", ["table(a,b;1,[code x|y])", "2"]],
    ["| a |\n|---|\n| 1 \\| 2 |", ["table(a;1 | 2)"]],
    ["---\n***", ["rule", "rule"]],
    ["<think>\nwhy\n</think>\nanswer", ["thinking(why)", "answer"]],
    ["<think>still", ["thinking…(still)"]],
    ["<div onclick=x>\nhi\n</div>", ["<div onclick=x>⏎hi⏎</div>"]],
    ["", []],
  ])("%j", (source, expected) => expect(shapes(source)).toEqual(expected));

  it("splits into the same blocks that it parses, at every length of a growing text", () => {
    const text = "# T\n\nHello **you**\n\n- a\n  - b\n- c\n\n```js\nx\n\ny\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> q\n\nend";
    for (let length = 0; length <= text.length; length++) {
      const part = text.slice(0, length);
      expect(splitBlocks(part).flatMap(shapes)).toEqual(shapes(part));
    }
  });

  it("reads cells", () => expect(cells("| a | `b|c` | d\\|e |")).toEqual(["a", "`b|c`", "d|e"]));
});
