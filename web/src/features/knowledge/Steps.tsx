/** Where a wizard is: the steps in a row, those that are done ticked. */
import { Check, ChevronRight } from "lucide-react";
import { useTranslation } from "react-i18next";

interface Props {
  readonly steps: readonly { readonly key: string; readonly label: string }[];
  readonly at: string;
  readonly inBar?: boolean;
}

export function Steps({ steps, at, inBar }: Props) {
  const { t } = useTranslation("knowledge");
  const current = steps.findIndex((step) => step.key === at);
  return (
    <ol className="kb-steps" data-bar={inBar} aria-label={t("create.steps")}>
      {steps.map((step, index) => (
        <li key={step.key} aria-current={index === current ? "step" : undefined} data-done={index < current}>
          <span className="kb-step num" aria-hidden>
            {index < current ? <Check size={12} strokeWidth={2.5} /> : index + 1}
          </span>
          {step.label}
          {index < current ? <span className="visually-hidden">{t("create.finished")}</span> : null}
          {index < steps.length - 1 ? <ChevronRight size={12} strokeWidth={2} className="text-ink-3" aria-hidden /> : null}
        </li>
      ))}
    </ol>
  );
}
