/** highlight.js answers HTML; this reads it back into pieces, so that no HTML is ever put into the page. */
export interface Piece {
  readonly text: string;
  readonly name: string;
}

const ENTITIES: Readonly<Record<string, string>> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'" };

export function pieces(html: string): Piece[] {
  const out: Piece[] = [];
  const open: string[] = [];
  for (const [token, name] of html.matchAll(/<span class="([^"]*)">|<\/span>|[^<]+/g)) {
    if (token === "</span>") open.pop();
    else if (token.startsWith("<")) open.push(name ?? "");
    else out.push({ text: token.replace(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => ENTITIES[entity] ?? entity), name: open.at(-1) ?? "" });
  }
  return out;
}
