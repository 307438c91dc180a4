/** An agent asks whether it may call a tool; answered here, it goes on. */
import { CircleAlert, ShieldQuestion } from "lucide-react";
import { type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { answerApproval } from "../../data/approvals";
import type { Approval } from "../../lib/approvals";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Input } from "../../ui/Input";
import { Taints } from "./Decided";

export function Approvals({ open }: { open: readonly Approval[] }) {
  return open.map((asked) => <ApprovalCard key={asked.id} asked={asked} />);
}

/** `about`: where the question comes from, where that is not plain. */
export function ApprovalCard({ asked, about, onSent }: { asked: Approval; about?: ReactNode; onSent?: () => void }) {
  const { t } = useTranslation("tools");
  const heading = useId();
  const [reason, setReason] = useState("");
  const [state, setState] = useState<"open" | "sending" | "sent">("open");
  const [failed, setFailed] = useState<string>();
  const answer = (action: "approve" | "deny") => {
    setState("sending");
    setFailed(undefined);
    answerApproval(asked.id, action, action === "deny" ? reason : "").then(
      () => {
        setState("sent");
        onSent?.();
      },
      (error: unknown) => {
        setState("open");
        setFailed(messageOf(error));
      },
    );
  };
  return (
    <section className="card p-3 my-2 flex flex-col gap-2" aria-labelledby={heading} aria-busy={state === "sending"}>
      <h3 id={heading} className="font-semibold flex items-center gap-1.5">
        <ShieldQuestion size={16} strokeWidth={1.9} className="text-ink-3 flex-none" aria-hidden />
        {t("approval.asks", { name: asked.label })}
      </h3>
      {about}
      {asked.input === undefined ? null : <pre className="codebox max-h-[220px] overflow-auto">{asked.input || "–"}</pre>}
      <Taints taints={asked.taints} tool={asked.tool} />
      {state === "sent" ? (
        <p role="status" className="text-ink-2">
          {t("approval.sent")}
        </p>
      ) : (
        <div className="flex gap-2 items-center flex-wrap">
          <Button kind="primary" disabled={state === "sending"} onClick={() => answer("approve")}>
            {t("approval.approve")}
          </Button>
          <Button disabled={state === "sending"} onClick={() => answer("deny")}>
            {t("approval.deny")}
          </Button>
          <div className="flex-1 min-w-[180px]">
            <Input
              aria-label={t("approval.reason")}
              placeholder={t("approval.reason")}
              maxLength={500}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
          </div>
        </div>
      )}
      {failed ? (
        <p className="wrong" role="alert">
          <CircleAlert size={14} aria-hidden />
          {failed}
        </p>
      ) : null}
    </section>
  );
}
