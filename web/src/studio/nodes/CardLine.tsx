/** The grey rows on a node card. */
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

interface Props {
  readonly icon?: LucideIcon;
  readonly mono?: boolean;
  readonly tone?: "danger";
  readonly right?: ReactNode;
  readonly children: ReactNode;
}

export function CardLine({ icon: Icon, mono, tone, right, children }: Props) {
  const className = ["st-line", mono ? "mono" : "", tone ?? ""].join(" ").trim();
  return (
    <div className={className}>
      {Icon ? <Icon size={12} strokeWidth={2} aria-hidden /> : null}
      <span className="st-clip">{children}</span>
      {right === undefined ? null : <span className="st-line-right">{right}</span>}
    </div>
  );
}
