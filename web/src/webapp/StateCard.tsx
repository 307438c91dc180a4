/** The page when there is no app to show: what happened and what can be done. */
import { CircleOff, Lock, Unplug } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError } from "./api";
import { useCopy } from "./useCopy";
import { useSay } from "./words";

/** Which text of `closed.*` fits the error. */
export function closedText(error: unknown): string {
  if (!(error instanceof ApiError)) return "closed.unknown";
  if (error.status === 0) return "closed.offline";
  if (error.status === 429) return "closed.busy";
  if (error.code === "web_sso_auth_required") return "closed.signIn";
  if (error.code === "web_app_access_denied") return "closed.denied";
  if (error.code === "app_unavailable") return "closed.unpublished";
  if (error.status === 404 || error.status === 403 || /^Site /.test(error.message)) return "closed.gone";
  return error.status >= 500 ? "closed.server" : "closed.unknown";
}

export function StateCard({ error, onRetry }: { error: unknown; onRetry: () => void }): ReactNode {
  const say = useSay();
  const [copied, copy] = useCopy();
  const key = closedText(error);
  const canRetry = ["closed.offline", "closed.busy", "closed.server", "closed.unknown", "closed.unpublished"].includes(key);
  const Icon = key === "closed.signIn" || key === "closed.denied" ? Lock : key === "closed.offline" || key === "closed.server" ? Unplug : CircleOff;
  const details = error instanceof ApiError ? JSON.stringify({ status: error.status, code: error.code, message: error.message }) : String(error);
  return (
    <main className="state">
      <div className="state-card" role="alert">
        <Icon size={24} aria-hidden="true" />
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
