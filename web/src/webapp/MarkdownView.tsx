import { Fragment, memo, type ReactNode, useEffect, useMemo, useState } from "react";
import { Check, Copy } from "./icons";
import { type Align, type Block, type Inline, type Item, parse, splitBlocks } from "./markdown";
import type { MarkdownProps, OnCite } from "./Prose";
import type { Piece } from "./pieces";
import { useCopy } from "./useCopy";
import { useSay } from "./words";

function Parts({ parts, onCite }: { parts: readonly Inline[]; onCite?: OnCite | undefined }): ReactNode {
  // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a parsed text have no identity but their place
  return parts.map((part, index) => <Fragment key={index}>{inline(part, onCite)}</Fragment>);
}

function inline(part: Inline, onCite: OnCite | undefined): ReactNode {
  switch (part.kind) {
    case "text":
      return part.text;
    case "code":
      return <code>{part.text}</code>;
    case "strong":
      return (
        <strong>
          <Parts parts={part.parts} onCite={onCite} />
        </strong>
      );
    case "em":
      return (
        <em>
          <Parts parts={part.parts} onCite={onCite} />
        </em>
      );
    case "del":
      return (
        <del>
          <Parts parts={part.parts} onCite={onCite} />
        </del>
      );
    case "link":
      return (
        <a href={part.href} target="_blank" rel="noopener noreferrer nofollow ugc">
          <Parts parts={part.parts} onCite={onCite} />
        </a>
      );
    case "image":
      return <img src={part.src} alt={part.alt} loading="lazy" referrerPolicy="no-referrer" />;
    case "cite":
      return <Cite position={part.position} onCite={onCite} />;
    case "break":
      return <br />;
  }
}

function Cite({ position, onCite }: { position: number; onCite?: OnCite | undefined }): ReactNode {
  const say = useSay();
  return (
    <button type="button" className="cite" aria-label={say("source.open", { position })} onClick={() => onCite?.(position)}>
      {position}
    </button>
  );
}

function usePieces(code: string, language: string, closed: boolean): readonly Piece[] | null {
  const [found, setFound] = useState<{ code: string; pieces: readonly Piece[] } | null>(null);
  useEffect(() => {
    // Colours come when the block is complete: they would flicker while it grows.
    if (!closed || !language || code.length > 60_000) return;
    let isLive = true;
    void import("./highlight").then(
      ({ highlight }) => {
        const pieces = highlight(code, language);
        if (isLive && pieces) setFound({ code, pieces });
      },
      () => undefined,
    );
    return () => {
      isLive = false;
    };
  }, [code, language, closed]);
  return found?.code === code ? found.pieces : null;
}

function Coloured({ pieces }: { pieces: readonly Piece[] }): ReactNode {
  return pieces.map((piece, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no identity but their place
    <span key={index} className={piece.name || undefined}>
      {piece.text}
    </span>
  ));
}

function CodeBlock({ language, code, closed }: { language: string; code: string; closed: boolean }): ReactNode {
  const say = useSay();
  const [copied, copy] = useCopy();
  const pieces = usePieces(code, language, closed);
  return (
    <figure className="code">
      <figcaption>
        <span>{language || say("code.plain")}</span>
        <button type="button" className="quiet" onClick={() => copy(code)}>
          {copied ? <Check size={14} /> : <Copy size={14} />}
          {say(copied ? "action.copied" : "action.copy")}
        </button>
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls sideways must be reachable by keyboard */}
      <pre tabIndex={0}>
        <code>{pieces ? <Coloured pieces={pieces} /> : code}</code>
      </pre>
    </figure>
  );
}

const textAlign = (align: Align | undefined): { textAlign: "left" | "right" | "center" } | undefined => (align ? { textAlign: align } : undefined);

function ListItem({ item, onCite }: { item: Item; onCite?: OnCite | undefined }): ReactNode {
  const [first, ...rest] = item.blocks;
  return (
    <li className={item.checked === null ? undefined : "task"}>
      {item.checked !== null && <input type="checkbox" checked={item.checked} readOnly disabled />}
      {first?.kind === "paragraph" ? <Parts parts={first.parts} onCite={onCite} /> : first && <BlockView block={first} onCite={onCite} />}
      <Blocks blocks={rest} onCite={onCite} />
    </li>
  );
}

function Blocks({ blocks, onCite }: { blocks: readonly Block[]; onCite?: OnCite | undefined }): ReactNode {
  // biome-ignore lint/suspicious/noArrayIndexKey: the blocks of a parsed text have no identity but their place
  return blocks.map((block, index) => <BlockView key={index} block={block} onCite={onCite} />);
}

function BlockView({ block, onCite }: { block: Block; onCite?: OnCite | undefined }): ReactNode {
  const say = useSay();
  switch (block.kind) {
    case "paragraph":
      return (
        <p>
          <Parts parts={block.parts} onCite={onCite} />
        </p>
      );
    case "heading": {
      // The page's own title is the first level.
      const Tag = block.level <= 1 ? "h2" : block.level === 2 ? "h3" : "h4";
      return (
        <Tag>
          <Parts parts={block.parts} onCite={onCite} />
        </Tag>
      );
    }
    case "code":
      return <CodeBlock language={block.language} code={block.text} closed={block.closed} />;
    case "list": {
      // biome-ignore lint/suspicious/noArrayIndexKey: items have no identity but their place
      const items = block.items.map((item, index) => <ListItem key={index} item={item} onCite={onCite} />);
      return block.ordered ? (
        <ol start={block.start} style={{ counterReset: `item ${block.start - 1}` }}>
          {items}
        </ol>
      ) : (
        <ul>{items}</ul>
      );
    }
    case "quote":
      return (
        <blockquote>
          <Blocks blocks={block.blocks} onCite={onCite} />
        </blockquote>
      );
    case "table":
      return (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls sideways must be reachable by keyboard
        <section className="table" tabIndex={0} aria-label={say("table.label")}>
          <table>
            <thead>
              <tr>
                {block.head.map((cell, column) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: cells have no identity but their place
                  <th key={column} style={textAlign(block.align[column])}>
                    <Parts parts={cell} onCite={onCite} />
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {block.rows.map((row, line) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: rows have no identity but their place
                <tr key={line}>
                  {row.map((cell, column) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: cells have no identity but their place
                    <td key={column} style={textAlign(block.align[column])}>
                      <Parts parts={cell} onCite={onCite} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      );
    case "rule":
      return <hr />;
    case "thinking":
      return (
        <details className="thinking">
          <summary>{say(block.closed ? "answer.thought" : "answer.thinking")}</summary>
          <Blocks blocks={block.blocks} onCite={onCite} />
        </details>
      );
  }
}

const Section = memo(function Section({ source, sources, onCite }: { source: string; sources: number; onCite?: OnCite | undefined }): ReactNode {
  const blocks = useMemo(() => parse(source, { sources }), [source, sources]);
  return <Blocks blocks={blocks} onCite={onCite} />;
});

/** Text with a caret while it grows. Only the block that changed is parsed and drawn again. */
export default memo(function MarkdownView({ text, caret = false, sources = 0, onCite }: MarkdownProps): ReactNode {
  const blocks = useMemo(() => splitBlocks(text), [text]);
  return (
    <div className={caret ? "md growing" : "md"}>
      {blocks.map((source, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blocks are only appended
        <Section key={index} source={source} sources={sources} onCite={onCite} />
      ))}
    </div>
  );
});
