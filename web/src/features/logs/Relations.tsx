/** Where a run comes from and what has come of it; replaying it from its journal, forking it at a node. */
import { useQueryClient } from "@tanstack/react-query";
import { GitCompareArrows, GitFork, History } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import type { AppDetail } from "../../data/apps";
import { messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import type { Comparison } from "../../studio/api";
import { Button } from "../../ui/Button";
import { isActive, type RunDetail } from "./api";
import type { RunSpan } from "./spans";

const load = () => import("./TimeMachine");
const Compare = lazy(() => load().then((machine) => ({ default: machine.Compare })));
const Fork = lazy(() => load().then((machine) => ({ default: machine.Fork })));

interface Props {
  readonly app: AppDetail;
  readonly run: RunDetail;
  readonly spans: readonly RunSpan[];
  /** Where a fork would leave the run. */
  readonly chosen: RunSpan | undefined;
  /** The execution at which a fork is being made. */
  readonly forking: RunSpan | undefined;
  readonly onFork: (span: RunSpan | undefined) => void;
  readonly onRun: (run: string) => void;
}

export function Relations({ app, run, spans, chosen, forking, onFork, onRun }: Props) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [found, setFound] = useState<{ readonly comparison: Comparison; readonly replay: boolean }>();
  const parent = run.parent_run_id ?? undefined;
  const children = run.children ?? [];
  const ended = canFork(run);
  useKeys({ r: () => onFork(chosen) }, ended && chosen !== undefined);
  const again = () => void client.invalidateQueries({ queryKey: ["logs"] });
  const show = async (replay: boolean): Promise<void> => {
    setBusy(true);
    try {
      const machine = await load();
      setFound({ replay, comparison: replay || !parent ? await machine.replayRun(app.id, run.id) : await machine.compareRuns(app.id, parent, run.id) });
      if (replay) again();
    } catch (error) {
      toast.error(c("common.failed", { message: messageOf(error) }));
    }
    setBusy(false);
  };
  const link = (id: string) => (
    <button type="button" className="link mono" onClick={() => onRun(id)}>
      {id.slice(-8)}
    </button>
  );
  if (!ended && !parent && children.length === 0) return null;
  return (
    <div className="flex items-center gap-x-3 gap-y-1.5 flex-wrap px-4 py-2 border-b border-line-1 text-12 text-ink-2">
      {parent ? (
        <span>
          {t(run.origin === "replay" ? "machine.replayOf" : "machine.forkOf")} {link(parent)}
        </span>
      ) : null}
      {children.length > 0 ? (
        <span className="flex gap-x-2 flex-wrap">
          {t("machine.children")}
          {children.map((child) => (
            <span key={child.id}>
              {t(child.origin === "replay" ? "machine.replay" : "machine.fork")} {link(child.id)}
            </span>
          ))}
        </span>
      ) : null}
      <span className="flex items-center gap-2 flex-wrap ms-auto">
        {ended && parent ? (
          <Button size="sm" kind="quiet" icon={GitCompareArrows} disabled={busy} onClick={() => void show(false)}>
            {t("machine.compare")}
          </Button>
        ) : null}
        {ended ? (
          <Button size="sm" icon={History} busy={busy} onClick={() => void show(true)}>
            {t("machine.replayNow")}
          </Button>
        ) : null}
        {ended && chosen ? (
          <Button size="sm" icon={GitFork} keys="R" onClick={() => onFork(chosen)}>
            <span className="truncate max-w-[180px]">{t("machine.forkAt", { node: chosen.title })}</span>
          </Button>
        ) : null}
      </span>
      <Suspense>
        {found ? <Compare {...found} onOpen={onRun} onClose={() => setFound(undefined)} /> : null}
        {forking ? (
          <Fork
            key={forking.key}
            app={app}
            run={run}
            spans={spans}
            span={forking}
            onRun={(id) => {
              again();
              onRun(id);
            }}
            onClose={() => onFork(undefined)}
          />
        ) : null}
      </Suspense>
    </div>
  );
}

/** A run that goes on, or waits, cannot be left yet. */
export function canFork(run: RunDetail): boolean {
  return !isActive(run.status) && run.status !== "paused";
}
