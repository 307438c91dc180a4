/** Settings compared on all questions: begun, under way, done. */
import { ListChecks, Square, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Select } from "../../ui/Select";
import { Empty } from "../../ui/States";
import { useKnowledgeChange } from "./api";
import type { EvaluationProps } from "./EvaluationPage";
import { EvaluationResults } from "./EvaluationResults";
import { EvaluationSettings } from "./EvaluationSettings";
import { best, deleteRun, type Run, type Setting, type Summary, startRun, stopRun } from "./evaluation";
import { useKnowledgeRights } from "./rights";

interface Props extends EvaluationProps {
  readonly runs: readonly Run[];
  readonly known: number;
}

export function EvaluationRuns(props: Props) {
  const { dataset, search, onSearch, runs, known } = props;
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const format = useFormat();
  const edit = useKnowledgeRights();
  const [deleting, setDeleting] = useState<Run>();
  const fail = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const start = useKnowledgeChange((settings: readonly Setting[]) => startRun(dataset.id, settings));
  const stop = useKnowledgeChange((id: string) => stopRun(dataset.id, id));
  const drop = useKnowledgeChange((id: string) => deleteRun(dataset.id, id));
  const run = runs.find((each) => each.id === search.run) ?? runs[0];
  const running = runs.find((each) => each.status === "running");
  const show = (id: string | undefined) => onSearch({ view: "results", run: id, page: undefined });
  return (
    <>
      {edit ? (
        <EvaluationSettings
          dataset={dataset}
          known={known}
          busy={start.isPending || running !== undefined}
          onStart={(settings) => start.mutate(settings, { onSuccess: (made) => show(made.id), onError: fail })}
        />
      ) : null}
      {run ? (
        <section className="flex flex-col gap-3" aria-label={t("evaluation.results")}>
          <div className="flex items-center gap-2 flex-wrap">
            <div className="w-[260px] max-w-full">
              <Select
                aria-label={t("evaluation.run")}
                value={run.id}
                onChange={show}
                options={runs.map((each) => ({ value: each.id, label: format.dateTime(each.created_at), hint: t(`evaluation.states.${each.status}`) }))}
              />
            </div>
            <span className="text-12 text-ink-2" role="status">
              {t(`evaluation.states.${run.status}`)}
              {run.status === "running" ? ` ${t("evaluation.progress", { done: run.done, total: run.total })}` : ""}
            </span>
            <span className="flex-1" />
            {edit && run.status === "running" ? (
              <Button size="sm" icon={Square} busy={stop.isPending} onClick={() => stop.mutate(run.id, { onError: fail })}>
                {t("evaluation.stop")}
              </Button>
            ) : null}
            {edit && run.status !== "running" ? (
              <IconButton size="sm" icon={Trash2} label={t("evaluation.deleteRun")} onClick={() => setDeleting(run)} />
            ) : null}
          </div>
          {run.status === "running" ? (
            <span
              className="kb-meter"
              role="progressbar"
              aria-label={t("evaluation.states.running")}
              aria-valuemin={0}
              aria-valuemax={run.total}
              aria-valuenow={run.done}
            >
              <span style={{ width: `${run.total === 0 ? 0 : (100 * run.done) / run.total}%` }} />
            </span>
          ) : null}
          {run.error ? (
            <div className="banner" data-tone="bad" role="alert">
              {run.error}
            </div>
          ) : null}
          <Measures summary={run.summary} />
          <EvaluationResults {...props} run={run} />
        </section>
      ) : (
        <Empty
          icon={ListChecks}
          cat="knowledge"
          title={t("evaluation.noRunTitle")}
          text={t(known === 0 ? "evaluation.noQuestionText" : "evaluation.noRunText")}
        >
          {known === 0 ? <Button onClick={() => onSearch({ view: "questions" })}>{t("evaluation.questions")}</Button> : null}
        </Empty>
      )}
      <Confirm
        open={deleting !== undefined}
        title={t("evaluation.deleteRunTitle")}
        text={deleting ? format.dateTime(deleting.created_at) : ""}
        confirm={c("common.delete")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setDeleting(undefined)}
        onConfirm={() => deleting && drop.mutate(deleting.id, { onSuccess: () => show(undefined), onError: fail, onSettled: () => setDeleting(undefined) })}
      />
    </>
  );
}

export function nameOf(summary: { readonly name: string }, index: number, own: string): string {
  return summary.name || (index === 0 ? own : String(index + 1));
}

/** A row for each setting; the best of each measure stands out. */
function Measures({ summary }: { summary: readonly Summary[] }) {
  const { t } = useTranslation("knowledge");
  const format = useFormat();
  const measures = ["recall", "ndcg", "mrr"] as const;
  const winners = Object.fromEntries(measures.map((name) => [name, best(summary.map((each) => each[name]))]));
  return (
    <div className="overflow-x-auto">
      <table className="kb-measures">
        <thead>
          <tr>
            <th scope="col">{t("evaluation.setting")}</th>
            <th scope="col">{t("evaluation.recall")}</th>
            <th scope="col">{t("evaluation.ndcg")}</th>
            <th scope="col">{t("evaluation.mrr")}</th>
            <th scope="col">{t("evaluation.missed")}</th>
            <th scope="col">{t("evaluation.took")}</th>
          </tr>
        </thead>
        <tbody>
          {summary.map((each, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: settings have no other name and never move
            <tr key={index}>
              <th scope="row">
                {nameOf(each, index, t("evaluation.own"))}
                <span className="block text-11 text-ink-3 font-regular">
                  {t("test.top", { count: each.top_k })}, {t("evaluation.asked_count", { count: each.questions })}
                  {each.failed > 0 ? `, ${t("evaluation.failedCount", { count: each.failed })}` : ""}
                </span>
              </th>
              {measures.map((name) => (
                <td key={name} className="num" data-best={winners[name]?.has(index) ?? false}>
                  {each.questions === 0 ? "–" : each[name].toFixed(3)}
                </td>
              ))}
              <td className="num">{format.number(each.missed)}</td>
              <td className="num" title={t("evaluation.p95", { time: format.duration(each.took_ms_p95 / 1000) })}>
                {format.duration(each.took_ms / 1000)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
