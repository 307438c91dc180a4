/** What an agent node did, as a tree: rounds, and in each what was thought and called. */
import { ChevronRight, CircleCheck, CircleX, LoaderCircle } from "lucide-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { type LogEntry, type LogNode, logTree } from "../../lib/agentLog";
import { useFormat } from "../../lib/format";
import { Decided } from "../tools/Decided";
import { WindowNote } from "./WindowNote";
import "./rounds.css";

export function AgentRounds({ entries }: { entries: readonly LogEntry[] }) {
  const { t } = useTranslation("studio");
  const tree = useMemo(() => logTree(entries), [entries]);
  if (tree.length === 0) return null;
  return (
    <section className="rounds" aria-label={t("agent.log")}>
      <span className="rounds-title">{t("agent.log")}</span>
      {tree.map((node) => (
        <Step key={node.id} node={node} />
      ))}
    </section>
  );
}

/** A call tells in its output what was asked about it. */
function approvalOf(data: unknown): unknown {
  const output: unknown = typeof data === "object" && data !== null ? Reflect.get(data, "output") : undefined;
  return typeof output === "object" && output !== null ? Reflect.get(output, "approval") : undefined;
}

const isEmpty = (data: unknown) => data === undefined || data === null || (typeof data === "object" && Object.keys(data).length === 0);

function Step({ node }: { node: LogNode }) {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const Icon = node.status === "error" ? CircleX : node.status === "start" ? LoaderCircle : CircleCheck;
  return (
    <details className="rounds-step" data-status={node.status}>
      <summary>
        <ChevronRight size={14} strokeWidth={1.9} className="rounds-fold" aria-hidden />
        <Icon size={14} strokeWidth={1.9} className={node.status === "start" ? "spin" : undefined} aria-hidden />
        <span className="rounds-label">{node.label}</span>
        <span className="visually-hidden">{t(`agent.logStatus.${node.status}`, { defaultValue: node.status })}</span>
        <span className="rounds-facts num">
          {node.tokens ? t("node.tokens", { count: node.tokens }) : ""} {node.price ? format.money(node.price, node.currency) : ""}{" "}
          {node.seconds === undefined ? "" : format.duration(node.seconds)}
        </span>
      </summary>
      <div className="rounds-inside">
        {node.error ? <p className="rounds-error">{node.error}</p> : null}
        <WindowNote told={node.metadata} />
        <Decided approval={approvalOf(node.data)} tool={node.label} />
        {node.children.map((child) => (
          <Step key={child.id} node={child} />
        ))}
        {isEmpty(node.data) || node.children.length > 0 ? null : <pre>{typeof node.data === "string" ? node.data : JSON.stringify(node.data, null, 2)}</pre>}
      </div>
    </details>
  );
}
