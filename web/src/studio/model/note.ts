/** Notes are stored as a rich-text tree (JSON text); we read its plain text and write plain paragraphs. */

function field(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function textOf(value: unknown): string {
  const own = field(value, "text");
  if (typeof own === "string") return own;
  const type = field(value, "type");
  if (type === "linebreak") return "\n";
  const children = field(value, "children");
  if (!Array.isArray(children)) return "";
  if (type === "root" || type === "list") return children.map(textOf).join("\n");
  return children.map(textOf).join("");
}

export function noteText(stored: unknown): string {
  if (typeof stored !== "string" || stored === "") return "";
  try {
    return textOf(field(JSON.parse(stored), "root"));
  } catch {
    return stored;
  }
}

const base = { direction: "ltr", format: "", indent: 0, version: 1 };

export function plainNote(text: string): string {
  const children = text.split("\n").map((line) => ({
    ...base,
    type: "paragraph",
    textFormat: 0,
    children: line ? [{ detail: 0, format: 0, mode: "normal", style: "", text: line, type: "text", version: 1 }] : [],
  }));
  return JSON.stringify({ root: { ...base, type: "root", children } });
}
