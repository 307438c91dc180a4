import { type ReactNode, useEffect, useRef } from "react";
import { Popup } from "./Popup";
import type { Source } from "./wire";
import { useLanguage, useSay } from "./words";

export default function SourceDialog({ sources, position, onClose }: { sources: readonly Source[]; position: number; onClose: () => void }): ReactNode {
  const say = useSay();
  const language = useLanguage();
  const wanted = useRef<HTMLElement>(null);
  useEffect(() => {
    // Newer browsers answer with a promise, which is not for React.
    void wanted.current?.scrollIntoView({ block: "start" });
  }, []);
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
              {source.page !== null && <span className="num">{say("source.page", { page: source.page })}</span>}
              {source.score !== null && (
                <span className="num">{say("source.score", { score: source.score.toLocaleString(language, { maximumFractionDigits: 2 }) })}</span>
              )}
            </p>
            <p className="source-content">{source.content}</p>
          </section>
        ))}
      </div>
    </Popup>
  );
}
