/** What each question found, by each setting; the worst first. */
import { useQuery } from "@tanstack/react-query";
import { Check, ChevronDown, ChevronRight, ListChecks } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Segmented } from "../../ui/Segmented";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import type { EvaluationProps } from "./EvaluationPage";
import { ExpectedList } from "./EvaluationQuestions";
import { nameOf } from "./EvaluationRuns";
import { type Answer, firstPlace, RESULTS_AT_ONCE, type Result, type Run, runResults, WHICH } from "./evaluation";
import { Pages } from "./Pages";

interface Props extends EvaluationProps {
  readonly run: Run;
}

export function EvaluationResults({ dataset, search, onSearch, onOpen, onTest, run }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const which = search.which ?? "all";
  const page = search.page ?? 1;
  const results = useQuery(runResults(dataset.id, run, which, page));
  const rows = results.data?.data ?? [];
  const names = run.summary.map((each, index) => nameOf(each, index, t("evaluation.own")));
  return (
    <>
      <div className="flex items-center gap-3 flex-wrap">
        <h2 className="font-semibold flex-1">{t("evaluation.byQuestion")}</h2>
        <Segmented
          label={t("evaluation.byQuestion")}
          value={which}
          onChange={(next) => onSearch({ view: "results", run: run.id, which: next === "all" ? undefined : next, page: undefined })}
          segments={WHICH.filter((each) => each !== "different" || names.length > 1).map((each) => ({ value: each, label: t(`evaluation.which.${each}`) }))}
        />
      </div>
      {results.isPending ? (
        <SkeletonRows rows={5} height={44} slow={c("common.slow")} label={c("common.loading")} />
      ) : results.error && !results.data ? (
        <Failed title={t("evaluation.failed")} text={messageOf(results.error)} retry={{ label: c("common.retry"), onClick: () => void results.refetch() }} />
      ) : rows.length === 0 ? (
        <Empty icon={ListChecks} title={t(`evaluation.none.${which}`)} />
      ) : (
        <ul className="card" aria-label={t("evaluation.byQuestion")} aria-busy={results.isFetching}>
          {rows.map((row) => (
            <QuestionRow key={row.question_id} row={row} names={names} onOpen={onOpen} onTest={onTest} />
          ))}
        </ul>
      )}
      <Pages
        page={page}
        total={results.data?.total ?? 0}
        size={RESULTS_AT_ONCE}
        onPage={(next) => onSearch({ view: "results", run: run.id, which: search.which, page: next === 1 ? undefined : next })}
      />
    </>
  );
}

interface RowProps extends Pick<EvaluationProps, "onOpen" | "onTest"> {
  readonly row: Result;
  readonly names: readonly string[];
}

function QuestionRow({ row, names, onOpen, onTest }: RowProps) {
  const { t } = useTranslation("knowledge");
  const [open, setOpen] = useState(false);
  const Icon = open ? ChevronDown : ChevronRight;
  return (
    <li className="border-b border-line-1 last:border-b-0 px-3 py-2 flex flex-col gap-2">
      <div className="flex items-center gap-2 flex-wrap">
        <button type="button" className="flex items-center gap-1.5 flex-1 min-w-[180px] text-start" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Icon size={14} strokeWidth={1.9} className="text-ink-3 flex-none" aria-hidden />
          <span className="font-medium wrap-anywhere">{row.question}</span>
        </button>
        {row.by_setting.map((answer, index) => (
          <Place key={names[index] ?? String(index)} answer={answer} name={names[index] ?? String(index + 1)} />
        ))}
      </div>
      {open ? (
        <div className="flex flex-col gap-3 ps-5">
          <div className="flex items-center gap-2 flex-wrap">
            <span className="text-12 text-ink-3">{t("evaluation.expected")}</span>
            <ExpectedList expected={row.expected} />
            <button type="button" className="link text-12" onClick={() => onTest(row.question)}>
              {t("evaluation.tryIt")}
            </button>
          </div>
          <div className="kb-columns">
            {row.by_setting.map((answer, index) => (
              <FoundList key={names[index] ?? String(index)} answer={answer} name={names[index] ?? String(index + 1)} onOpen={onOpen} />
            ))}
          </div>
        </div>
      ) : null}
    </li>
  );
}

/** At which place the first that was expected stands. */
function Place({ answer, name }: { answer: Answer | null; name: string }) {
  const { t } = useTranslation("knowledge");
  const place = answer ? firstPlace(answer) : undefined;
  const failed = answer?.error !== null && answer?.error !== undefined;
  const text = !answer
    ? t("evaluation.notAsked")
    : failed
      ? t("evaluation.error")
      : place === undefined
        ? t("evaluation.notFound")
        : t("evaluation.place", { place });
  return (
    <span className="badge num" data-tone={!answer ? "plain" : failed ? "bad" : place === undefined ? "warn" : place === 1 ? "ok" : "plain"} title={name}>
      <span className="visually-hidden">{name}: </span>
      {text}
    </span>
  );
}

function FoundList({ answer, name, onOpen }: { answer: Answer | null; name: string; onOpen: EvaluationProps["onOpen"] }) {
  const { t } = useTranslation("knowledge");
  const format = useFormat();
  return (
    <section className="min-w-0 flex flex-col gap-1.5" aria-label={name}>
      <h3 className="text-12 font-semibold text-ink-2 flex gap-2">
        <span className="truncate flex-1">{name}</span>
        {answer ? <span className="text-ink-3 font-regular num">{format.duration(answer.took_ms / 1000)}</span> : null}
      </h3>
      {answer?.error ? <p className="wrong">{answer.error}</p> : null}
      {answer && answer.found.length === 0 && !answer.error ? <p className="hint">{t("test.nothing")}</p> : null}
      <ol className="flex flex-col gap-1">
        {(answer?.found ?? []).map((item) => (
          <li key={item.segment_id}>
            <button
              type="button"
              className="kb-found"
              data-expected={item.is_expected}
              onClick={() => onOpen(item.document_id, item.segment_id)}
              title={item.excerpt}
            >
              <span className="num text-ink-3">{item.place}</span>
              <span className="truncate flex-1">
                {item.document_name} <span className="text-ink-3 num">#{item.position}</span>
              </span>
              {item.is_expected ? <Check size={14} strokeWidth={2} className="text-success" role="img" aria-label={t("evaluation.expectedOne")} /> : null}
              <span className="num text-ink-3">{item.score.toFixed(2)}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}
