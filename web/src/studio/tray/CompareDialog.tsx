/** Two runs side by side: what came out, and node by node what is different. */
import { CircleCheck, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Comparison, ValueChange } from "../api";
import { useFormat } from "../canvas/useFormat";
import { runStatusOf } from "../model/run";
import { asText } from "../panels/JsonView";
import { StatusBadge } from "../panels/StatusBadge";
import { Button } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { openRun } from "../store/previews";
import { KindTile } from "./TraceTab";

const TONES: Readonly<Record<string, string>> = { same: "", changed: "warn", new: "ok", removed: "bad", added: "ok" };

interface Props {
  readonly comparison: Comparison;
  /** The second run is a replay of the first. */
  readonly replay: boolean;
  /** Where the second run is opened; without it, on the canvas. */
  readonly onOpen?: (run: string) => void;
  readonly onClose: () => void;
}

export function CompareDialog({ comparison, replay, onOpen, onClose }: Props) {
  const { t } = useTranslation("studio");
  const same = replay ? comparison.outputs_identical : comparison.identical;
  const changed = comparison.nodes.filter((n) => n.change !== "same");
  // Every run has an id of its own.
  const inputs = comparison.inputs.filter((change) => change.path !== "/sys.workflow_run_id");
  const open = (id: string) => {
    onClose();
    if (onOpen) onOpen(id);
    else void openRun(id, id.slice(-8)).catch(() => undefined);
  };
  return (
    <Dialog
      wide
      title={t(replay ? "machine.replayTitle" : "machine.compareTitle")}
      closeLabel={t("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={() => open(comparison.other.id)}>{t(replay ? "machine.openReplay" : "machine.openOther")}</Button>
          <Button look="primary" onClick={onClose}>
            {t("common.close")}
          </Button>
        </>
      }
    >
      <div className={`st-row ${same ? "st-tone-ok" : "st-tone-warn"}`} role="status">
        {same ? <CircleCheck size={16} strokeWidth={1.75} aria-hidden /> : <TriangleAlert size={16} strokeWidth={1.75} aria-hidden />}
        <b>{t(same ? (replay ? "machine.byteEqual" : "machine.identical") : "machine.different", { count: changed.length })}</b>
      </div>
      <Briefs comparison={comparison} replay={replay} />
      {inputs.length > 0 ? <Changes title={t("lastRun.inputs")} changes={inputs} /> : null}
      {comparison.outputs.length > 0 ? <Changes title={t("lastRun.outputs")} changes={comparison.outputs} /> : null}
      <ul className="st-list st-differences tall" aria-label={t("machine.nodes")}>
        {comparison.nodes.map((node, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a node may be there once per round
          <NodeRow key={i} node={node} />
        ))}
      </ul>
    </Dialog>
  );
}

function Briefs({ comparison, replay }: { comparison: Comparison; replay: boolean }) {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const rows = [
    { name: t(replay ? "machine.recorded" : "machine.parent"), brief: comparison.base },
    { name: t(replay ? "machine.replayed" : "machine.forked"), brief: comparison.other },
  ];
  return (
    <table className="st-figures">
      <thead>
        <tr>
          <th>{t("machine.run")}</th>
          <th>{t("machine.state")}</th>
          <th className="st-end">{t("trace.time")}</th>
          <th className="st-end">{t("trace.tokens")}</th>
          <th className="st-end">{t("trace.cost")}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, brief }) => (
          <tr key={name}>
            <td>
              {name} <span className="st-meta st-mono">{brief.id.slice(-8)}</span>
            </td>
            <td>
              <StatusBadge status={runStatusOf(brief.status)} />
            </td>
            <td className="st-end st-num">{typeof brief.elapsed_time === "number" ? format.duration(brief.elapsed_time) : ""}</td>
            <td className="st-end st-num">{brief.total_tokens ? format.number(brief.total_tokens) : ""}</td>
            <td className="st-end st-num">{Number(brief.total_price ?? 0) > 0 ? format.money(Number(brief.total_price), brief.currency ?? "USD") : ""}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function NodeRow({ node }: { node: Comparison["nodes"][number] }) {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const time = (seconds: number | null | undefined) => (typeof seconds === "number" ? format.duration(seconds) : "–");
  const head = (
    <>
      <span className={`st-badge ${TONES[node.change] ?? ""}`}>{t(`machine.changes.${node.change}`, { defaultValue: node.change })}</span>
      <KindTile kind={node.node_type} />
      <span className="st-clip st-grow">{node.title || node.node_id}</span>
      {node.other?.taken_from_parent ? <span className="st-meta">{t("machine.taken")}</span> : null}
      <span className="st-meta st-num">
        {time(node.base?.elapsed_time)} → {time(node.other?.elapsed_time)}
      </span>
    </>
  );
  return (
    <li>
      {node.outputs.length > 0 ? (
        <details>
          <summary className="st-row">{head}</summary>
          <Changes changes={node.outputs} />
        </details>
      ) : (
        <div className="st-row">{head}</div>
      )}
    </li>
  );
}

function Changes({ title, changes }: { title?: string; changes: readonly ValueChange[] }) {
  return (
    <div className="st-changes">
      {title ? <span className="st-label">{title}</span> : null}
      {changes.map((change) => (
        <ChangePair key={change.path} name={change.path} before={change.base} after={change.other} />
      ))}
    </div>
  );
}

const LONG = 2_000;

function cut(value: unknown): string {
  const text = value === undefined ? "" : asText(value);
  return text.length > LONG ? `${text.slice(0, LONG)}…` : text;
}

/** One value before and after. */
export function ChangePair({ name, before, after }: { name: string; before: unknown; after: unknown }) {
  return (
    <div className="st-change">
      <span className="st-mono st-meta">{name}</span>
      <div className="st-pair">
        <pre className="st-code old">{cut(before)}</pre>
        <pre className="st-code new">{cut(after)}</pre>
      </div>
    </div>
  );
}
