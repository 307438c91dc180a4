/** An agent asks whether it may call a tool; answered here, it goes on. */
import { type ReactNode, useId, useState } from "react";
import type { Approval } from "../lib/approvals";
import type { Json } from "../lib/read";
import { useSay } from "./words";

interface Props {
  readonly asked: Approval;
  readonly send: (id: string, body: Json) => Promise<unknown>;
}

export default function ApprovalCard({ asked, send }: Props): ReactNode {
  const say = useSay();
  const heading = useId();
  const [state, setState] = useState<"open" | "sending" | "sent" | "failed">("open");
  const answer = (action: "approve" | "deny"): void => {
    setState("sending");
    send(asked.id, { action }).then(
      () => setState("sent"),
      () => setState("failed"),
    );
  };
  return (
    <section className="ask-card" aria-labelledby={heading} aria-busy={state === "sending"}>
      <h2 id={heading}>{say("approval.asks", { tool: asked.label })}</h2>
      {asked.byMember ? (
        <p role="status">{say("approval.byMember")}</p>
      ) : (
        <>
          {asked.input !== undefined && <pre dir="ltr">{asked.input || "–"}</pre>}
          {asked.taints.map((taint) => (
            <p key={`${taint.argument}/${taint.text}`}>{say("approval.taint", { text: taint.text, source: taint.source })}</p>
          ))}
          {state === "sent" ? (
            <p role="status">{say("approval.sent")}</p>
          ) : (
            <div className="form-actions">
              <button type="button" className="button primary" disabled={state === "sending"} onClick={() => answer("approve")}>
                {say("approval.approve")}
              </button>
              <button type="button" className="button" disabled={state === "sending"} onClick={() => answer("deny")}>
                {say("approval.deny")}
              </button>
            </div>
          )}
          {state === "failed" && (
            <p className="error" role="alert">
              {say("approval.failed")}
            </p>
          )}
        </>
      )}
    </section>
  );
}
