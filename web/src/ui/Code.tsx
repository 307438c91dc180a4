/** A short piece of code with the colours of its strings, words and numbers. */
import { Fragment } from "react";

const TOKEN =
  /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)|(\b\d+(?:\.\d+)?\b)|\b(const|await|for|of|import|new|if|print|True|False|None|true|false|null|curl)\b|(#.*$|\/\/.*$)/gm;

export function Code({ text, label }: { text: string; label?: string }) {
  const parts: { key: number; text: string; kind: string | undefined }[] = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > at) parts.push({ key: at, text: text.slice(at, match.index), kind: undefined });
    const kind = match[1] ? "tok-str" : match[2] ? "tok-num" : match[3] ? "tok-key" : "tok-com";
    // An address holds two slashes; it is not a comment.
    const plain = kind === "tok-com" && text[match.index - 1] === ":";
    parts.push({ key: match.index, text: match[0], kind: plain ? undefined : kind });
    at = match.index + match[0].length;
  }
  parts.push({ key: at, text: text.slice(at), kind: undefined });
  return (
    <figure className="min-w-0 m-0" aria-label={label}>
      <pre className="codebox overflow-auto">
        {parts.map((part) =>
          part.kind ? (
            <span key={part.key} className={part.kind}>
              {part.text}
            </span>
          ) : (
            <Fragment key={part.key}>{part.text}</Fragment>
          ),
        )}
      </pre>
    </figure>
  );
}
