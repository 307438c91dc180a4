/** How well the knowledge base answers: questions whose answers are known, asked by several settings. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { errorDetails, messageOf } from "../../lib/http";
import { Segmented } from "../../ui/Segmented";
import { Failed, SkeletonRows } from "../../ui/States";
import { EvaluationQuestions } from "./EvaluationQuestions";
import { EvaluationRuns } from "./EvaluationRuns";
import { questionList, runList, type Which } from "./evaluation";
import type { Dataset } from "./types";

export interface EvaluationSearch {
  readonly view?: "questions" | "results" | undefined;
  readonly q?: string | undefined;
  readonly page?: number | undefined;
  readonly run?: string | undefined;
  readonly which?: Which | undefined;
}

export interface EvaluationProps {
  readonly dataset: Dataset;
  readonly search: EvaluationSearch;
  readonly onSearch: (change: EvaluationSearch) => void;
  /** Asks a question in the retrieval test. */
  readonly onTest: (question: string) => void;
  readonly onOpen: (documentId: string, segmentId: string | null) => void;
}

export function EvaluationPage(props: EvaluationProps) {
  const { dataset, search, onSearch } = props;
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const first = useQuery(questionList(dataset.id, 1, undefined));
  const runs = useQuery(runList(dataset.id));
  const failed = first.error ?? runs.error;
  const view = search.view ?? ((runs.data?.data.length ?? 0) > 0 ? "results" : "questions");
  return (
    <section className="flex-1 min-h-0 overflow-auto" aria-label={t("evaluation.title")}>
      <div className="mx-auto max-w-[1080px] px-7 max-md:px-4 py-5 flex flex-col gap-4">
        <div className="flex items-end gap-3 flex-wrap">
          <div className="flex-1 min-w-[220px]">
            <h1 className="text-20 font-semibold">{t("evaluation.title")}</h1>
            <p className="text-ink-2">{t("evaluation.about")}</p>
          </div>
          <Segmented
            label={t("evaluation.title")}
            value={view}
            onChange={(next) => onSearch({ view: next, page: undefined, q: undefined })}
            segments={[
              { value: "questions", label: t("evaluation.questions"), count: first.data ? String(first.data.total) : undefined },
              { value: "results", label: t("evaluation.results") },
            ]}
          />
        </div>
        {first.isPending || runs.isPending ? (
          <SkeletonRows rows={6} height={44} slow={c("common.slow")} label={c("common.loading")} />
        ) : failed && !(first.data && runs.data) ? (
          <Failed
            title={t("evaluation.failed")}
            text={messageOf(failed)}
            retry={{
              label: c("common.retry"),
              onClick: () => {
                void first.refetch();
                void runs.refetch();
              },
            }}
            details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(failed) }}
          />
        ) : view === "questions" ? (
          <EvaluationQuestions {...props} />
        ) : (
          <EvaluationRuns {...props} runs={runs.data?.data ?? []} known={first.data?.known ?? 0} />
        )}
      </div>
    </section>
  );
}
