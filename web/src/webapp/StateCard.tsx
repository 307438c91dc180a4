/** The page when there is no app to show: what happened and what can be done. */

import type { ReactNode } from "react";
import { ApiError } from "./api";
import { closedText } from "./closed";
import { CircleOff, Lock, Unplug } from "./icons";
import { useCopy } from "./useCopy";
import { useSay } from "./words";

export default function StateCard({ error, onRetry }: { error: unknown; onRetry: () => void }): ReactNode {
  const say = useSay();
  const [copied, copy] = useCopy();
  const key = closedText(error);
  const canRetry = ["closed.offline", "closed.busy", "closed.server", "closed.unknown", "closed.unpublished"].includes(key);
  const Icon = key === "closed.signIn" || key === "closed.denied" ? Lock : key === "closed.offline" || key === "closed.server" ? Unplug : CircleOff;
  const details = error instanceof ApiError ? JSON.stringify({ status: error.status, code: error.code, message: error.message }) : String(error);
  return (
    <main className="state">
      <div className="state-card" role="alert">
        <Icon size={24} />
        <h1>{say(`${key}.title`)}</h1>
        <p>{say(`${key}.text`)}</p>
        <div className="buttons">
          {canRetry && (
            <button type="button" className="button primary" onClick={onRetry}>
              {say("action.retry")}
            </button>
          )}
          {key === "closed.unknown" && (
            <button type="button" className="button" onClick={() => copy(details)}>
              {say(copied ? "action.copied" : "action.copyDetails")}
            </button>
          )}
        </div>
      </div>
    </main>
  );
}
