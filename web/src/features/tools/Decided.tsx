/** How a question ended that an agent asked before a call, and what the guard found in its arguments. */
import { ShieldCheck, ShieldX, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { decidedFrom, type Taint } from "../../lib/approvals";
import { useFormat } from "../../lib/format";

const KNOWN = ["approved", "denied", "timed_out", "unasked"] as const;

export function Decided({ approval, tool }: { readonly approval: unknown; readonly tool: string }) {
  const { t } = useTranslation("tools");
  const format = useFormat();
  const told = decidedFrom(approval);
  const decision = KNOWN.find((each) => each === told?.decision);
  if (!told || !decision) return null;
  const Icon = decision === "approved" ? ShieldCheck : ShieldX;
  return (
    <div className="text-12 text-ink-2 flex flex-col gap-1">
      <p className="flex items-start gap-1.5 wrap-anywhere">
        <Icon size={14} strokeWidth={1.9} className="flex-none mt-px" aria-hidden />
        {t(`decided.${decision}`, { time: format.duration(told.waited) })}
        {told.reason ? ` ${told.reason}` : ""}
      </p>
      <Taints taints={told.taints} tool={tool} />
    </div>
  );
}

export function Taints({ taints, tool }: { readonly taints: readonly Taint[]; readonly tool: string }) {
  const { t } = useTranslation("tools");
  return taints.map((taint) => (
    <p key={`${taint.argument}/${taint.text}`} className="text-12 text-ink-2 flex items-start gap-1.5 wrap-anywhere">
      <TriangleAlert size={14} strokeWidth={1.9} className="flex-none mt-px text-warning" aria-hidden />
      {t("approval.taint", { argument: taint.argument || tool, text: taint.text, source: taint.source })}
    </p>
  ));
}
