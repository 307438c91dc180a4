import { lazy, type ReactNode, Suspense } from "react";
import { FileText } from "./icons";
import type { Turn } from "./turns";
import { useSay } from "./words";

const AskCard = lazy(() => import("./AskCard"));

/** The run waits for a person: the forms that may be answered here, or that somebody else has to. */
export function Waiting({ asks, waits }: { asks: Turn["asks"]; waits: boolean }): ReactNode {
  const say = useSay();
  const isHere = asks.some((ask) => ask.token);
  return (
    <>
      {waits && (
        <div className="outcome lost" role="status">
          <FileText size={16} />
          <span className="grow">{say(isHere ? "ask.waits" : "ask.waitsElsewhere")}</span>
        </div>
      )}
      <Suspense>{asks.map((ask) => (ask.token ? <AskCard key={ask.token} token={ask.token} title={ask.title} /> : null))}</Suspense>
    </>
  );
}
