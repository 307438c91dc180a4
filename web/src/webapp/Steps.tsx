import type { ReactNode } from "react";
import { ChevronRight, CircleCheck, CircleDashed, CircleX, LoaderCircle, TriangleAlert } from "./icons";
import type { Step } from "./turns";
import { useLanguage, useSay } from "./words";

function StepIcon({ status }: { status: string }): ReactNode {
  if (status === "running") return <LoaderCircle size={14} className="spin" />;
  if (status === "succeeded") return <CircleCheck size={14} />;
  if (status === "failed") return <CircleX size={14} className="bad" />;
  if (status === "exception") return <TriangleAlert size={14} className="warn" />;
  return <CircleDashed size={14} />;
}

/** The nodes of a run, folded into one line. */
export function Steps({ steps, busy }: { steps: readonly Step[]; busy: boolean }): ReactNode {
  const say = useSay();
  const language = useLanguage();
  if (steps.length === 0) return null;
  const running = busy ? steps.findLast((step) => step.status === "running") : undefined;
  const hasFailed = steps.some((step) => step.status === "failed");
  return (
    <details className="steps">
      <summary className="process">
        <StepIcon status={running ? "running" : hasFailed ? "failed" : "succeeded"} />
        <span className="process-text">{running ? say("steps.running", { node: running.title }) : say("steps.done", { count: steps.length })}</span>
        <ChevronRight size={14} className="turn" />
      </summary>
      <ol>
        {steps.map((step) => (
          <li key={step.id}>
            <StepIcon status={!busy && step.status === "running" ? "stopped" : step.status} />
            <span className="grow">{step.title}</span>
            <span className="visually-hidden">
              {say(`steps.status.${["running", "succeeded", "failed", "exception"].includes(step.status) ? step.status : "stopped"}`)}
            </span>
            {step.seconds !== null && (
              <span className="num">
                {say("steps.seconds", { seconds: step.seconds.toLocaleString(language, { maximumFractionDigits: 2, minimumFractionDigits: 2 }) })}
              </span>
            )}
          </li>
        ))}
      </ol>
    </details>
  );
}
