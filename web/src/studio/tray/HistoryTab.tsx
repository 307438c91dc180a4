/** Earlier runs of this app's draft, and the edits of this page. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { listRuns } from "../api";
import { useFormat } from "../canvas/useFormat";
import { StatusBadge } from "../panels/StatusBadge";
import { Button, Wrong } from "../parts/controls";
import { isActive, runStatusOf } from "../model/run";
import { openRun } from "../store/previews";
import { jump, useStudio } from "../store/studio";

type What = "runs" | "documents" | "edits";
const APP: readonly What[] = ["runs", "edits"];
/** A published pipeline runs for documents, too. */
const PIPELINE: readonly What[] = ["runs", "documents", "edits"];

export function HistoryTab() {
  const { t } = useTranslation("studio");
  const [what, setWhat] = useState<What>("runs");
  const offered = useStudio((s) => (s.mode === "rag-pipeline" ? PIPELINE : APP));
  return (
    <>
      <div className="st-row st-subtabs">
        {offered.map((name) => (
          <Button key={name} size="sm" look="quiet" aria-pressed={what === name} onClick={() => setWhat(name)}>
            {t(`history.${name}`)}
          </Button>
        ))}
      </div>
      {what === "edits" ? <Edits /> : <Runs key={what} from={what === "documents" ? "rag-pipeline-run" : undefined} />}
    </>
  );
}

function Runs({ from }: { from: string | undefined }) {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const owner = useStudio((s) => s.owner);
  const mode = useStudio((s) => s.mode);
  const current = useStudio((s) => s.run.runId);
  const active = useStudio((s) => isActive(s.run));
  const query = useInfiniteQuery({
    queryKey: ["draft-runs", owner, from, active],
    queryFn: ({ pageParam }) => listRuns(owner, mode, pageParam || undefined, undefined, from),
    initialPageParam: "",
    getNextPageParam: (page) => (page.has_more ? page.data.at(-1)?.id : undefined),
  });
  const [failed, setFailed] = useState<string>();
  if (query.error) return <Wrong>{query.error.message}</Wrong>;
  const rows = query.data?.pages.flatMap((p) => p.data) ?? [];
  if (rows.length === 0) return <div className="st-empty">{query.isPending ? t("common.loading") : t("history.noRuns")}</div>;
  return (
    <>
      {failed ? <Wrong>{failed}</Wrong> : null}
      {rows.map((row) => (
        <button
          key={row.id}
          type="button"
          className="st-table-row st-run-row"
          data-active={row.id === current}
          disabled={active}
          onClick={() => void openRun(row.id, row.created_at ? format.dateTime(row.created_at * 1000) : row.id).then(() => setFailed(undefined), (e: unknown) => setFailed(e instanceof Error ? e.message : String(e)))}
        >
          <StatusBadge status={runStatusOf(row.status)} />
          <span className="st-num">{row.created_at ? format.dateTime(row.created_at * 1000) : ""}</span>
          <span className="st-meta st-clip">{row.created_by_account?.name ?? ""}</span>
          <span className="st-num st-end">{row.elapsed_time === null || row.elapsed_time === undefined ? "" : format.duration(row.elapsed_time)}</span>
          <span className="st-num st-end">{row.total_tokens ? t("node.tokens", { count: row.total_tokens }) : ""}</span>
        </button>
      ))}
      {query.hasNextPage ? (
        <Button size="sm" look="quiet" busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {t("common.more")}
        </Button>
      ) : null}
    </>
  );
}

function Edits() {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const history = useStudio((s) => s.history);
  if (history.entries.length === 0) return <div className="st-empty">{t("history.noEdits")}</div>;
  const rows = history.entries.map((entry, i) => ({ entry, position: i + 1 })).reverse();
  return (
    <>
      {rows.map(({ entry, position }) => (
        <button key={position} type="button" className="st-table-row st-edit-row" data-active={position === history.position} onClick={() => jump(position)}>
          <span className="st-num st-meta">{format.time(entry.at)}</span>
          <span>
            {t(entry.label)} {entry.subject ? <b>{entry.subject}</b> : null}
          </span>
          <span className="st-meta st-end">{position > history.position ? t("history.undone") : ""}</span>
        </button>
      ))}
      <button type="button" className="st-table-row st-edit-row" data-active={history.position === 0} onClick={() => jump(0)}>
        <span />
        <span>{t("history.opened")}</span>
        <span />
      </button>
    </>
  );
}
