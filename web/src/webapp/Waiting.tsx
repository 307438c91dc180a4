import type { ReactNode } from "react";
import { FileText } from "./icons";
import type { Turn } from "./turns";
import { useSay } from "./words";

/** The run waits for a person: where the answer is given. */
export function Waiting({ asks }: { asks: Turn["asks"] }): ReactNode {
  const say = useSay();
  return (
    <div className="outcome lost" role="status">
      <FileText size={16} />
      <span className="grow">{say("ask.waits")}</span>
      {asks.map((ask) =>
        ask.token ? (
          <a key={ask.node} className="button" href={`/form/${encodeURIComponent(ask.token)}`} target="_blank" rel="noopener">
            {ask.title || say("ask.open")}
          </a>
        ) : null,
      )}
    </div>
  );
}
