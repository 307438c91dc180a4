/** A node on the canvas: head, settings in short, branches, ports, last run. Knows kinds only by their record. */
import { Handle, NodeResizeControl, type NodeProps, Position } from "@xyflow/react";
import { CircleAlert, CircleCheck, CircleDashed, CircleMinus, CircleX, Hourglass, LoaderCircle, Play, Plus, TriangleAlert } from "lucide-react";
import { memo, type MouseEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { FAIL } from "../model/connect";
import { innerSize } from "../model/containers";
import type { NodeData } from "../model/document";
import { isActive, type Span } from "../model/run";
import { kindOf, portTaken } from "../nodes/registry";
import { openPalette, resize } from "../store/actions";
import { type StudioState, shown, useStudio } from "../store/studio";
import { getView } from "../store/view";
import type { FlowNode } from "./flow";
import { useFormat } from "./useFormat";

type Look = "idle" | "running" | "succeeded" | "failed" | "exception" | "paused" | "stopped" | "untaken";

const STATE_ICONS = {
  idle: CircleDashed,
  running: LoaderCircle,
  succeeded: CircleCheck,
  failed: CircleX,
  exception: CircleAlert,
  paused: Hourglass,
  stopped: CircleMinus,
  untaken: CircleMinus,
};

export function lookOf(state: StudioState, id: string): Look {
  const { run } = state;
  const span = run.latest.get(id);
  if (!span) return run.status === "idle" || run.status === "paused" || run.only || isActive(run) || run.status === "failed" || run.status === "stopped" ? "idle" : "untaken";
  if (span.status === "pending" || span.status === "retry") return "running";
  return span.status;
}

/** Where a node is and whether it is dragged is the library's business; nothing is drawn anew while it moves. */
function sameNode(before: NodeProps<FlowNode>, after: NodeProps<FlowNode>): boolean {
  return before.id === after.id && before.data === after.data && before.type === after.type;
}

export const NodeFrame = memo(function NodeFrame({ id, data, type }: NodeProps<FlowNode>) {
  const { node } = data;
  const kind = kindOf(node.data.type);
  const look = useStudio((s) => lookOf(s, id));
  const selected = useStudio((s) => s.selection.has(id));
  const linked = useStudio((s) => isLinked(s, id));
  const problem = useStudio((s) => s.problems.some((p) => p.node === id && !p.warning));
  const rules = kind.rules(node.data);
  const ports = kind.ports(node.data);
  const single = ports.length === 1 && ports[0]?.row === false ? ports[0] : undefined;
  return (
    <div
      className={type === "box" ? "st-node box" : "st-node"}
      data-run={look}
      data-selected={selected}
      data-linked={linked}
      data-problem={problem && look === "idle"}
      data-supported={kind.supported}
    >
      <Head id={id} title={node.data.title} type={node.data.type} look={look} problem={problem}>
        {type === "box" ? <BoxState id={id} data={node.data} /> : null}
      </Head>
      {type === "box" ? (
        <BoxFrame id={id} selected={selected} />
      ) : (
        <>
          <div className="st-body">
            <kind.Card data={node.data} />
          </div>
          {ports.map((port) =>
            port.row ? (
              <div key={port.id} className="st-branch">
                <kind.PortRow data={node.data} port={port.id} />
                <OutPort node={id} port={port.id} />
              </div>
            ) : null,
          )}
          {node.data.error_strategy === FAIL ? <ErrorBranch node={id} /> : null}
          <Foot id={id} look={look} />
        </>
      )}
      {rules.hasInput ? <InPort node={id} /> : null}
      {single ? <OutPort node={id} port={single.id} /> : null}
    </div>
  );
}, sameNode);

function isLinked(state: StudioState, id: string): boolean {
  if (!state.highlight) return true;
  return state.linked.has(id);
}

interface HeadProps {
  readonly id: string;
  readonly title: string;
  readonly type: string;
  readonly look: Look;
  readonly problem: boolean;
  readonly children?: ReactNode;
}

function Head({ id, title, type, look, problem, children }: HeadProps) {
  const { t } = useTranslation("studio");
  const kind = kindOf(type);
  const warn = problem && look === "idle";
  const Icon = warn ? TriangleAlert : STATE_ICONS[look];
  return (
    <div className="st-head" id={`st-head-${id}`}>
      <span className={`st-tile st-cat-${kind.category}`}>
        <kind.icon size={14} strokeWidth={1.9} aria-hidden />
      </span>
      <span className="st-title st-clip" title={title}>
        {title || t("node.untitled")}
      </span>
      {children}
      <span className="st-state" title={warn ? t("node.hasProblem") : t(`run.node.${look}`)}>
        <Icon size={14} strokeWidth={1.9} className={look === "running" ? "st-spin" : undefined} aria-hidden />
      </span>
    </div>
  );
}

function ErrorBranch({ node }: { node: string }) {
  const { t } = useTranslation("studio");
  return (
    <div className="st-branch error">
      <span>{t("node.ifItFails")} →</span>
      <OutPort node={node} port={FAIL} error />
    </div>
  );
}

function InPort({ node }: { node: string }) {
  const state = useStudio((s) => {
    const span = s.run.latest.get(node);
    return span ? (span.status === "running" ? "moving" : "done") : "idle";
  });
  return <Handle type="target" id="target" position={Position.Left} className="st-port in" data-state={state} />;
}

function OutPort({ node, port, error }: { node: string; port: string; error?: boolean }) {
  const { t } = useTranslation("studio");
  const state = useStudio((s) => outPortState(s, node, port));
  const add = (event: MouseEvent) => {
    event.stopPropagation();
    openPalette({ screen: { x: event.clientX + 12, y: event.clientY - 16 }, from: { source: node, sourceHandle: port } });
  };
  return (
    <>
      <Handle
        type="source"
        id={port}
        position={Position.Right}
        className={error ? "st-port out error" : "st-port out"}
        data-state={state}
        onClick={add}
      />
      <button type="button" className="st-add nodrag nopan" aria-label={t("node.addAfter")} title={t("node.addAfter")} tabIndex={-1} onClick={add}>
        <Plus size={12} strokeWidth={2.4} aria-hidden />
      </button>
    </>
  );
}

function outPortState(state: StudioState, node: string, port: string): string {
  const span = state.run.latest.get(node);
  if (!span || span.status === "running" || span.status === "paused") return "idle";
  const chosen = portTaken(shown(state).nodes.get(node), span) ?? "source";
  if (chosen !== port || span.status === "failed") return "idle";
  return port === FAIL ? "failed" : "done";
}

function Foot({ id, look }: { id: string; look: Look }) {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const span = useStudio((s) => s.run.latest.get(id));
  const last = useStudio((s) => s.lastSpans.get(id));
  const waiting = useStudio((s) => isActive(s.run));
  const type = useStudio((s) => s.document.nodes.get(id)?.data.type ?? "");
  if (!kindOf(type).supported) return <div className="st-foot">{t("node.cannotRun")}</div>;
  const shownSpan: Span | undefined = span ?? (look === "idle" && !waiting ? last : undefined);
  if (!shownSpan) {
    const words = look === "untaken" ? t("node.notTaken") : waiting ? t("node.waits") : t("node.notRunYet");
    return <div className="st-foot">{words}</div>;
  }
  return (
    <div className="st-foot">
      <span>{shownSpan.status === "paused" ? t("run.node.paused") : shownSpan.end === undefined ? t("run.node.running") : format.duration(shownSpan.end - shownSpan.start)}</span>
      <FootRight span={shownSpan} />
    </div>
  );
}

function FootRight({ span }: { span: Span }) {
  const { t } = useTranslation("studio");
  if (span.retries.length > 0) return <span>{t("node.tries", { count: span.retries.length + 1 })}</span>;
  if (span.tokens) return <span>{t("node.tokens", { count: span.tokens })}</span>;
  return null;
}

/** The head of a container: its settings in short, and how far its rounds are. */
function BoxState({ id, data }: { id: string; data: NodeData }) {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const kind = kindOf(data.type);
  const span = useStudio((s) => s.run.latest.get(id) ?? (s.run.status === "idle" ? s.lastSpans.get(id) : undefined));
  const rounds = span?.rounds;
  const running = span?.end === undefined;
  const words = !span ? "" : running && rounds ? t("trace.rounds", { done: rounds.done, of: rounds.of ?? "?" }) : running ? "" : format.duration((span.end ?? span.start) - span.start);
  return (
    <>
      <kind.Card data={data} />
      <span className="st-box-state st-num">{words}</span>
    </>
  );
}

/** The frame of a container: the progress of its rounds and the corner that resizes it. */
function BoxFrame({ id, selected }: { id: string; selected: boolean }) {
  const { t } = useTranslation("studio");
  const readOnly = useStudio((s) => s.preview !== undefined);
  const done = useStudio((s) => {
    const span = s.run.latest.get(id);
    if (!span) return undefined;
    if (span.end !== undefined) return 1;
    return span.rounds?.of ? span.rounds.done / span.rounds.of : 0;
  });
  const sizes = useStudio((s) => (selected ? shown(s).nodes : undefined));
  const least = sizes ? innerSize(shown(useStudio.getState()), id, (n) => getView()?.sizeOf(n.id) ?? { width: 188, height: 96 }) : undefined;
  return (
    <>
      {done === undefined ? null : (
        <div className="st-box-bar">
          <i style={{ transform: `scaleX(${Math.min(1, done)})` }} />
        </div>
      )}
      {selected && !readOnly && least ? (
        <NodeResizeControl position="bottom-right" minWidth={least.width} minHeight={least.height} className="st-box-corner nodrag" onResizeEnd={(_, box) => resize(id, box)}>
          <span className="st-sr">{t("common.resize")}</span>
        </NodeResizeControl>
      ) : null}
    </>
  );
}

/** The little play sign where the inside of a container starts. */
export const InnerStart = memo(function InnerStart({ id }: NodeProps<FlowNode>) {
  const { t } = useTranslation("studio");
  const alone = useStudio((s) => ![...shown(s).edges.values()].some((e) => e.source === id));
  return (
    <div className="st-inner" data-alone={alone}>
      <span className="st-inner-dot" title={t("node.innerStart")}>
        <Play size={13} strokeWidth={1.9} aria-hidden />
      </span>
      <OutPort node={id} port="source" />
      {alone ? <span className="st-inner-hint">{t("node.innerEmpty")}</span> : null}
    </div>
  );
}, sameNode);
