/** What can be done with a run that has ended: replay it from its journal, fork it at a node, compare it with its parent. */
import { GitCompareArrows, GitFork, History } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Comparison, compareRuns, replayRun } from "../api";
import type { GraphNode } from "../model/document";
import { readsOf } from "../model/fork";
import { isActive } from "../model/run";
import { Button, Wrong } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { openTray } from "../store/actions";
import { startFork } from "../store/runner";
import { shown, useStudio } from "../store/studio";
import { computedValue, useVariables } from "../store/useVariables";
import { CompareDialog } from "./CompareDialog";
import { ForkDialog } from "./ForkDialog";

export function RunTools() {
  const { t } = useTranslation("studio");
  const owner = useStudio((s) => s.owner);
  const run = useStudio((s) => s.run);
  const chosen = useStudio((s) => s.inspecting ?? s.selection.values().next().value);
  const node = useStudio((s) => (chosen && s.run.latest.has(chosen) ? shown(s).nodes.get(chosen) : undefined));
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string>();
  const [result, setResult] = useState<{ readonly comparison: Comparison; readonly replay: boolean }>();
  const [forking, setForking] = useState(false);
  const { runId, parent } = run;
  // Runs of a pipeline have no journal to go back to.
  const journalled = useStudio((s) => s.mode !== "rag-pipeline");
  if (!journalled || !runId || run.status === "idle" || run.status === "paused" || isActive(run) || run.only) return null;
  const show = async (work: Promise<Comparison>, replay: boolean) => {
    setBusy(true);
    try {
      setResult({ comparison: await work, replay });
    } catch (error) {
      setFailed(error instanceof Error ? error.message : String(error));
    }
    setBusy(false);
  };
  return (
    <span className="st-row st-tray-tools">
      {parent ? (
        <Button size="sm" look="quiet" icon={GitCompareArrows} disabled={busy} onClick={() => void show(compareRuns(owner, parent, runId), false)}>
          {t("machine.compare")}
        </Button>
      ) : null}
      <Button size="sm" look="quiet" icon={History} busy={busy} title={t("machine.replayHint")} onClick={() => void show(replayRun(owner, runId), true)}>
        {t("machine.replay")}
      </Button>
      <Button size="sm" icon={GitFork} disabled={!node} title={node ? undefined : t("machine.chooseNode")} onClick={() => setForking(true)}>
        {t("machine.fork")}
      </Button>
      {forking && node ? <Fork runId={runId} node={node} onClose={() => setForking(false)} /> : null}
      {result ? <CompareDialog {...result} onClose={() => setResult(undefined)} /> : null}
      {failed ? (
        <Dialog title={t("machine.failed")} closeLabel={t("common.close")} onClose={() => setFailed(undefined)}>
          <Wrong>{failed}</Wrong>
        </Dialog>
      ) : null}
    </span>
  );
}

/** Forks the run on the screen at one of its nodes. */
function Fork({ runId, node, onClose }: { runId: string; node: GraphNode; onClose: () => void }) {
  const groups = useVariables(node.id, true);
  const document = useStudio(shown);
  const inputs = useStudio((s) => s.run.inputs);
  const reads = useMemo(() => readsOf({ document, node, groups, inputs, valueAtSelector: computedValue }), [document, node, groups, inputs]);
  return (
    <ForkDialog
      node={node}
      nodes={document.nodes}
      reads={reads}
      onClose={onClose}
      onStart={(body) => {
        onClose();
        openTray("trace");
        void startFork(runId, { node_id: node.id, ...body });
      }}
    />
  );
}
