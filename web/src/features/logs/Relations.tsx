/** Where a run comes from and what has come of it; replaying it from its journal. */
import { GitCompareArrows, History } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import type { AppDetail } from "../../data/apps";
import { messageOf } from "../../lib/http";
import type { Comparison } from "../../studio/api";
import { Button } from "../../ui/Button";
import { isActive, type RunDetail } from "./api";

const load = () => import("./TimeMachine");
const Dialog = lazy(load);

interface Props {
  readonly app: AppDetail;
  readonly run: RunDetail;
  readonly onRun: (run: string) => void;
}

export function Relations({ app, run, onRun }: Props) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const [busy, setBusy] = useState(false);
  const [found, setFound] = useState<{ readonly comparison: Comparison; readonly replay: boolean }>();
  const parent = run.parent_run_id ?? undefined;
  const children = run.children ?? [];
  const ended = !isActive(run.status) && run.status !== "paused";
  const show = async (replay: boolean): Promise<void> => {
    setBusy(true);
    try {
      const machine = await load();
      setFound({ replay, comparison: replay || !parent ? await machine.replayRun(app.id, run.id) : await machine.compareRuns(app.id, parent, run.id) });
    } catch (error) {
      toast.error(c("common.failed", { message: messageOf(error) }));
    }
    setBusy(false);
  };
  const link = (id: string) => (
    <button type="button" className="link mono" onClick={() => onRun(id)}>
      {id.slice(0, 8)}
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
      <span className="flex-1" />
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
      {found ? (
        <Suspense>
          <Dialog {...found} onOpen={onRun} onClose={() => setFound(undefined)} />
        </Suspense>
      ) : null}
    </div>
  );
}
