/** What an agent did for an answer, folded to a line: each round with its thought, its calls and what they gave. */
import { ChevronRight, CircleAlert, LoaderCircle, Wrench } from "lucide-react";
import { useTranslation } from "react-i18next";
import { inLanguage, type Localised, useFormat } from "../../lib/format";
import { type Thought, type ToolCall, worked } from "../../lib/thoughts";
import { Badge } from "../../ui/Marks";
import { Decided } from "./Decided";
import "./thoughts.css";

interface Props {
  readonly thoughts: readonly Thought[];
  readonly busy: boolean;
  readonly onOpen?: () => void;
}

function localised(value: unknown): Localised {
  if (typeof value === "string") return value;
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value).filter((entry) => typeof entry[1] === "string")) : undefined;
}

export function Thoughts({ thoughts, busy, onOpen }: Props) {
  const { t, i18n } = useTranslation("tools");
  const format = useFormat();
  const rounds = worked(thoughts);
  if (rounds.length === 0) return null;
  const name = (call: ToolCall) => inLanguage(localised(call.label), i18n.language) || call.name;
  const calls = rounds.flatMap((round) => round.calls);
  const last = rounds.at(-1)?.calls.find((call) => call.output === "" && !call.error);
  const running = busy ? last : undefined;
  const tokens = thoughts.reduce((sum, each) => sum + (each.tokens ?? 0), 0);
  const time = calls.reduce((sum, each) => sum + (each.time ?? 0), 0);
  const names = [...new Set(calls.map(name))].join(", ");
  return (
    <details className="thoughts" onToggle={(event) => (event.currentTarget.open ? onOpen?.() : undefined)}>
      <summary>
        {running ? (
          <LoaderCircle size={14} className="spin text-running" aria-hidden />
        ) : (
          <ChevronRight size={14} strokeWidth={1.9} className="thoughts-fold" aria-hidden />
        )}
        <span className="truncate">{running ? t("thoughts.calling", { name: name(running) }) : t("thoughts.used", { count: calls.length, names })}</span>
        {running ? null : (
          <span className="num whitespace-nowrap text-ink-3 ms-auto">
            {time > 0 ? format.duration(time) : ""} {tokens > 0 ? t("thoughts.tokens", { count: tokens }) : ""}
          </span>
        )}
      </summary>
      <ol className="flex flex-col gap-2.5 py-2">
        {rounds.map((round, i) => (
          <li key={round.id} className="flex flex-col gap-1.5">
            <span className="text-11 text-ink-3 num">
              {t("thoughts.round", { number: i + 1 })} {round.tokens ? t("thoughts.tokens", { count: round.tokens }) : ""}
            </span>
            {round.text ? <p className="text-ink-2 whitespace-pre-wrap wrap-anywhere">{round.text}</p> : null}
            {round.calls.map((call) => (
              <details key={call.name} className="thoughts-call card">
                <summary>
                  <ChevronRight size={14} strokeWidth={1.9} className="thoughts-fold" aria-hidden />
                  <Wrench size={14} strokeWidth={1.9} className="text-ink-3" aria-hidden />
                  <span className="font-medium truncate">{name(call)}</span>
                  {call.error ? (
                    <Badge tone="bad" icon={CircleAlert}>
                      {t("thoughts.failed")}
                    </Badge>
                  ) : call.output === "" ? (
                    <Badge tone={busy ? "run" : "plain"}>{t(busy ? "thoughts.runs" : "thoughts.nothing")}</Badge>
                  ) : null}
                  <span className="num text-ink-3 ms-auto">{call.time === undefined ? "" : format.duration(call.time)}</span>
                </summary>
                <div className="px-2.5 pb-2.5 flex flex-col gap-1">
                  <span className="lbl">{t("thoughts.input")}</span>
                  <pre className="codebox max-h-[220px] overflow-auto">{call.input || "–"}</pre>
                  <Decided approval={call.approval} tool={call.name} />
                  <span className="lbl">{t("thoughts.output")}</span>
                  <pre className="codebox max-h-[320px] overflow-auto">{call.error || call.output || "–"}</pre>
                </div>
              </details>
            ))}
          </li>
        ))}
      </ol>
    </details>
  );
}
