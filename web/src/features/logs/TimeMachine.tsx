/** Replaying, forking and comparing runs of the log: the studio's dialogs, loaded when they are asked for. */
import "../../studio/studio.css";
import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AppDetail } from "../../data/apps";
import { messageOf } from "../../lib/http";
import type { Comparison } from "../../studio/api";
import { appOwner, compareRuns as compare, forkRun, replayRun as replay } from "../../studio/api";
import { readDocument } from "../../studio/model/document";
import { readsOf, valueAt } from "../../studio/model/fork";
import { available } from "../../studio/model/variables";
import { outputsFor } from "../../studio/nodes/registry";
import { connectToServer } from "../../studio/serverTransport";
import { CompareDialog } from "../../studio/tray/CompareDialog";
import { ForkDialog } from "../../studio/tray/ForkDialog";
import type { RunDetail } from "./api";
import type { RunSpan } from "./spans";

connectToServer();

export const compareRuns = (appId: string, base: string, other: string): Promise<Comparison> => compare(appOwner(appId), base, other);
export const replayRun = (appId: string, run: string): Promise<Comparison> => replay(appOwner(appId), run);

interface CompareProps {
  readonly comparison: Comparison;
  readonly replay: boolean;
  readonly onOpen: (run: string) => void;
  readonly onClose: () => void;
}

export function Compare(props: CompareProps) {
  return <CompareDialog {...props} />;
}

interface ForkProps {
  readonly app: AppDetail;
  readonly run: RunDetail;
  readonly spans: readonly RunSpan[];
  readonly span: RunSpan;
  readonly onRun: (run: string) => void;
  readonly onClose: () => void;
}

/** Resolves with the new run's id as soon as it is there; the run goes on without being listened to. */
async function startFork(
  appId: string,
  run: string,
  execution: string,
  body: { inputs: Readonly<Record<string, unknown>>; use_draft: boolean },
): Promise<string> {
  const own = new AbortController();
  let id = "";
  const heard = (event: unknown) => {
    const found = valueAt(event, ["workflow_run_id"]);
    if (typeof found !== "string" || id !== "") return;
    id = found;
    own.abort();
  };
  try {
    await forkRun(appOwner(appId), run, { node_execution_id: execution, ...body })(heard, own.signal);
  } catch (error) {
    if (id === "") throw error;
  }
  return id;
}

export function Fork({ app, run, spans, span, onRun, onClose }: ForkProps) {
  const { t } = useTranslation("logs");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string>();
  const gone = useRef(false);
  const document = useMemo(() => readDocument({ graph: run.graph }).document, [run.graph]);
  const node = document.nodes.get(span.node);
  const mode = app.mode === "workflow" ? "workflow" : "advanced-chat";
  const reads = useMemo(() => {
    if (!node) return [];
    const groups = available(document, node.id, mode, outputsFor(mode), true);
    // Of a node that ran several times: what it gave in this round.
    const giver = (id: string) =>
      spans.findLast((s) => s.node === id && s.container === span.container && s.round === span.round) ?? spans.findLast((s) => s.node === id);
    return readsOf({
      document,
      node,
      groups,
      inputs: run.inputs,
      valueAtSelector: ([source = "", ...path]) => valueAt(giver(source)?.execution.outputs, path),
    });
  }, [document, node, mode, run.inputs, spans, span]);
  const start = async (body: { inputs: Readonly<Record<string, unknown>>; use_draft: boolean }) => {
    setBusy(true);
    setFailed(undefined);
    try {
      const id = await startFork(app.id, run.id, span.execution.id, body);
      if (gone.current) return;
      onClose();
      if (id) onRun(id);
    } catch (error) {
      setFailed(messageOf(error));
      setBusy(false);
    }
  };
  const shown = node ?? { id: span.node, type: "custom", position: { x: 0, y: 0 }, data: { type: span.kind, title: span.title } };
  return (
    <ForkDialog
      node={shown}
      nodes={document.nodes}
      reads={reads}
      busy={busy}
      failed={failed ?? (node ? undefined : t("machine.noNode"))}
      onStart={(body) => void start(body)}
      onClose={() => {
        gone.current = true;
        onClose();
      }}
    />
  );
}
