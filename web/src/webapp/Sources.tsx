import { BookOpen, ChevronRight } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { Popup } from "./Popup";
import type { Source } from "./wire";
import { useLanguage, useSay } from "./words";

const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim();

/** The line above an answer that tells what it rests on. */
export function SourceLine({ sources, onOpen }: { sources: readonly Source[]; onOpen: (position: number) => void }): ReactNode {
  const say = useSay();
  if (sources.length === 0) return null;
  return (
    <button type="button" className="process" onClick={() => onOpen(sources[0]?.position ?? 1)}>
      <BookOpen size={14} aria-hidden="true" />
      {say("source.used", { count: sources.length })}
      <ChevronRight size={14} aria-hidden="true" />
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

export function SourceDialog({ sources, position, onClose }: { sources: readonly Source[]; position: number; onClose: () => void }): ReactNode {
  const say = useSay();
  const language = useLanguage();
  const wanted = useRef<HTMLElement>(null);
  useEffect(() => wanted.current?.scrollIntoView({ block: "start" }), []);
  return (
    <Popup label={say("source.title")} kind="sheet" onClose={onClose}>
      <div className="source-list">
        {sources.map((source) => (
          <section key={source.position} ref={source.position === position ? wanted : undefined}>
            <h3 className="source-head">
              <span className="cite">{source.position}</span>
              <span>{source.document || source.knowledge}</span>
            </h3>
            <p className="hint">
              {source.knowledge}
              {source.score !== null && <span className="num">{say("source.score", { score: source.score.toLocaleString(language, { maximumFractionDigits: 2 }) })}</span>}
            </p>
            <p className="source-content">{source.content}</p>
          </section>
        ))}
      </div>
    </Popup>
  );
}
