/** An agent of the run on the screen asks whether it may call a tool: answered here, it goes on. */
import { ShieldQuestion } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Approval } from "../../lib/approvals";
import { answerApproval } from "../api";
import { Button, Wrong } from "../parts/controls";
import { useStudio } from "../store/studio";

export function WaitingApprovals() {
  const open = useStudio((s) => s.run.approvals);
  return open.map((asked) => <WaitingApproval key={asked.id} asked={asked} />);
}

function WaitingApproval({ asked }: { asked: Approval }) {
  const { t } = useTranslation("studio");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string>();
  const answer = (action: "approve" | "deny") => {
    setBusy(true);
    setFailed(undefined);
    answerApproval(asked.id, action).catch((e: unknown) => {
      setBusy(false);
      setFailed(e instanceof Error ? e.message : String(e));
    });
  };
  return (
    <section className="st-section" aria-label={t("approval.asks", { name: asked.label })}>
      <div className="st-row st-tone-pau">
        <ShieldQuestion size={14} strokeWidth={1.9} aria-hidden />
        <b className="st-grow st-clip">{t("approval.asks", { name: asked.label })}</b>
      </div>
      {asked.input === undefined ? null : <pre className="st-code">{asked.input || "–"}</pre>}
      {asked.taints.map((taint) => (
        <span className="st-hint" key={`${taint.argument}/${taint.text}`}>
          {t("approval.taint", { argument: taint.argument || asked.tool, text: taint.text, source: taint.source })}
        </span>
      ))}
      <div className="st-row">
        <Button look="primary" size="sm" disabled={busy} onClick={() => answer("approve")}>
          {t("approval.approve")}
        </Button>
        <Button size="sm" disabled={busy} onClick={() => answer("deny")}>
          {t("approval.deny")}
        </Button>
      </div>
      {failed ? <Wrong>{failed}</Wrong> : null}
    </section>
  );
}
