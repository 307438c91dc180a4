/** What an agent did for its answer, folded into one line. */
import type { ReactNode } from "react";
import { type Thought, type ToolCall, worked } from "../lib/thoughts";
import { ChevronRight, CircleCheck, LoaderCircle } from "./icons";
import { type Language, useLanguage, useSay } from "./words";

function nameOf(call: ToolCall, language: Language): string {
  if (typeof call.label === "object" && call.label !== null) {
    const label: unknown = Reflect.get(call.label, language === "zh-Hans" ? "zh_Hans" : "en_US") ?? Reflect.get(call.label, "en_US");
    if (typeof label === "string" && label) return label;
  }
  return typeof call.label === "string" && call.label ? call.label : call.name;
}

export function Thoughts({ thoughts, busy }: { thoughts: readonly Thought[]; busy: boolean }): ReactNode {
  const say = useSay();
  const language = useLanguage();
  const rounds = worked(thoughts);
  if (rounds.length === 0) return null;
  const calls = rounds.flatMap((round) => round.calls);
  const running = busy ? rounds.at(-1)?.calls.find((call) => call.output === "") : undefined;
  return (
    <details className="steps">
      <summary className="process">
        {running ? <LoaderCircle size={14} className="spin" /> : <CircleCheck size={14} />}
        <span className="process-text">
          {running
            ? say("thoughts.calling", { tool: nameOf(running, language) })
            : say("thoughts.used", { count: calls.length, tools: [...new Set(calls.map((call) => nameOf(call, language)))].join(", ") })}
        </span>
        <ChevronRight size={14} className="turn" />
      </summary>
      <ol className="thoughts">
        {rounds.map((round) => (
          <li key={round.id}>
            {round.text && <p dir="auto">{round.text}</p>}
            {round.calls.map((call) => (
              <details key={call.name}>
                <summary>
                  <ChevronRight size={14} className="turn" />
                  <span className="grow">{nameOf(call, language)}</span>
                  <span className="visually-hidden">
                    {say(call.output === "" ? (busy ? "steps.status.running" : "steps.status.stopped") : "steps.status.succeeded")}
                  </span>
                </summary>
                <span className="label">{say("thoughts.input")}</span>
                <pre>{call.input || "–"}</pre>
                <span className="label">{say("thoughts.output")}</span>
                <pre>{call.output || "–"}</pre>
              </details>
            ))}
          </li>
        ))}
      </ol>
    </details>
  );
}
