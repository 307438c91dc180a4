/** One event of a trigger: what came, what the workflow got, and the run it started. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Activity, CircleAlert, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { AppDetail } from "../../data/apps";
import { triggerEvents, triggerList } from "../../data/triggers";
import { useFormat } from "../../lib/format";
import { Button, IconButton } from "../../ui/Button";
import { NodeTile } from "../../ui/NodeTile";
import { SkeletonRows } from "../../ui/States";
import { Json } from "./Json";
import { RunBadge } from "./RunMark";

interface Props {
  readonly app: AppDetail;
  readonly id: string;
  /** The trigger whose events are listed. */
  readonly node: string | undefined;
  readonly onRun: (run: string) => void;
  readonly onClose: () => void;
}

export function EventDetail({ app, id, node, onRun, onClose }: Props) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const format = useFormat();
  const list = useInfiniteQuery(triggerEvents(app.id, node, false));
  const triggers = useQuery(triggerList(app.id)).data ?? [];
  const event = list.data?.pages.flatMap((page) => page.data).find((each) => each.id === id);
  const run = event?.workflow_run_id;
  return (
    <>
      <header className="flex items-center gap-2 px-4 h-11 border-b border-line-1 flex-none">
        {event ? (
          <>
            <RunBadge status={event.status} />
            <NodeTile kind={event.trigger_type} />
            <span className="font-semibold truncate">{triggers.find((each) => each.node_id === event.node_id)?.title ?? t("trigger.gone")}</span>
            <span className="text-12 text-ink-3 num whitespace-nowrap">{format.dateTime(event.triggered_at)}</span>
          </>
        ) : null}
        <span className="flex-1" />
        {run ? (
          <Button size="sm" icon={Activity} onClick={() => onRun(run)}>
            {t("trigger.run")}
          </Button>
        ) : null}
        <IconButton icon={X} label={c("common.close")} onClick={onClose} />
      </header>
      {list.isPending ? (
        <div className="p-4">
          <SkeletonRows rows={6} height={28} slow={c("common.slow")} label={c("common.loading")} />
        </div>
      ) : event ? (
        <div className="flex-1 min-h-0 overflow-auto p-4 flex flex-col gap-3">
          {event.error ? (
            <p className="wrong" role="note">
              <CircleAlert size={14} aria-hidden />
              <span className="wrap-anywhere">{event.error}</span>
            </p>
          ) : null}
          <Json tall title={t("trigger.came")} value={event.trigger_data} />
          <Json tall title={t("run.outputs")} value={event.outputs} />
        </div>
      ) : (
        <p className="hint p-4">{t("trigger.lost")}</p>
      )}
    </>
  );
}
