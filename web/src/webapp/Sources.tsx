import type { ReactNode } from "react";
import { BookOpen, ChevronRight } from "./icons";
import type { Source } from "./wire";
import { useSay } from "./words";

const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim();

/** The line above an answer that tells what it rests on. */
export function SourceLine({ sources, onOpen }: { sources: readonly Source[]; onOpen: (position: number) => void }): ReactNode {
  const say = useSay();
  if (sources.length === 0) return null;
  return (
    <button type="button" className="process" onClick={() => onOpen(sources[0]?.position ?? 1)}>
      <BookOpen size={14} />
      {say("source.used", { count: sources.length })}
      <ChevronRight size={14} />
    </button>
  );
}

export function SourceCards({ sources, onOpen }: { sources: readonly Source[]; onOpen: (position: number) => void }): ReactNode {
  const say = useSay();
  if (sources.length === 0) return null;
  return (
    <ul className="sources" aria-label={say("source.title")}>
      {sources.map((source) => (
        <li key={source.position}>
          <button type="button" onClick={() => onOpen(source.position)}>
            <span className="source-head">
              <span className="cite">{source.position}</span>
              <span className="source-name">{source.document || source.knowledge}</span>
            </span>
            <span className="source-text">{oneLine(source.content).slice(0, 160)}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
