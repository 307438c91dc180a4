/** The stored questions and what each should find. */
import { useQuery } from "@tanstack/react-query";
import { FileUp, History, ListChecks, ListFilter, Pencil, Plus, Trash2, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { errorDetails, messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Badge } from "../../ui/Marks";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { useKnowledgeChange } from "./api";
import { Filter } from "./DatasetsPage";
import type { EvaluationProps } from "./EvaluationPage";
import { deleteQuestion, type Expected, QUESTIONS_AT_ONCE, type Question, questionList } from "./evaluation";
import { ImportQuestions } from "./ImportQuestions";
import { LogQuestions } from "./LogQuestions";
import { Pages } from "./Pages";
import { QuestionDialog } from "./QuestionDialog";
import { useKnowledgeRights } from "./rights";

type Doing = { readonly what: "add" | "csv" | "log" } | { readonly what: "edit" | "delete"; readonly question: Question };

export function EvaluationQuestions({ dataset, search, onSearch, onTest }: EvaluationProps) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const edit = useKnowledgeRights();
  const page = search.page ?? 1;
  const list = useQuery(questionList(dataset.id, page, search.q));
  const [doing, setDoing] = useState<Doing>();
  const close = () => setDoing(undefined);
  const rows = list.data?.data ?? [];
  const drop = useKnowledgeChange((id: string) => deleteQuestion(dataset.id, id));
  const actions = edit ? (
    <>
      <Button kind="primary" icon={Plus} onClick={() => setDoing({ what: "add" })}>
        {t("evaluation.add")}
      </Button>
      <Button icon={History} onClick={() => setDoing({ what: "log" })}>
        {t("evaluation.fromLog")}
      </Button>
      <Button icon={FileUp} onClick={() => setDoing({ what: "csv" })}>
        {t("evaluation.fromCsv")}
      </Button>
    </>
  ) : null;
  return (
    <>
      <div className="flex items-center gap-2 flex-wrap">
        <Filter
          wide
          label={t("evaluation.search")}
          value={search.q ?? ""}
          onChange={(q) => onSearch({ q: q || undefined, page: undefined, view: "questions" })}
        />
        <span className="flex-1" />
        {actions}
      </div>
      {list.isPending ? (
        <SkeletonRows rows={6} height={44} slow={c("common.slow")} label={c("common.loading")} />
      ) : list.error && !list.data ? (
        <Failed
          title={t("evaluation.failed")}
          text={messageOf(list.error)}
          retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
          details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
        />
      ) : rows.length === 0 ? (
        search.q ? (
          <Empty icon={ListFilter} title={t("evaluation.noMatch")}>
            <Button onClick={() => onSearch({ q: undefined, page: undefined, view: "questions" })}>{c("common.clearFilter")}</Button>
          </Empty>
        ) : (
          <Empty icon={ListChecks} cat="knowledge" title={t("evaluation.emptyTitle")} text={t("evaluation.emptyText")} />
        )
      ) : (
        <ul className="card" aria-label={t("evaluation.questions")}>
          {rows.map((question) => (
            <li key={question.id} className="flex items-start gap-2 px-3 py-2.5 border-b border-line-1 last:border-b-0">
              <div className="flex-1 min-w-0 flex flex-col gap-1.5">
                <button type="button" className="font-medium text-start hover:underline wrap-anywhere" onClick={() => onTest(question.question)}>
                  {question.question}
                </button>
                <ExpectedList expected={question.expected} />
              </div>
              {edit ? (
                <span className="flex flex-none">
                  <IconButton
                    size="sm"
                    icon={Pencil}
                    label={t("evaluation.edit", { question: question.question })}
                    onClick={() => setDoing({ what: "edit", question })}
                  />
                  <IconButton
                    size="sm"
                    icon={Trash2}
                    label={t("evaluation.delete", { question: question.question })}
                    onClick={() => setDoing({ what: "delete", question })}
                  />
                </span>
              ) : null}
            </li>
          ))}
        </ul>
      )}
      <div className="flex items-center gap-4 text-12 text-ink-3">
        <span className="num" role="status">
          {list.data && list.data.total > 0 ? t("evaluation.known", { count: list.data.known, most: list.data.most }) : ""}
        </span>
        <Pages
          page={page}
          total={list.data?.total ?? 0}
          size={QUESTIONS_AT_ONCE}
          onPage={(next) => onSearch({ ...search, view: "questions", page: next === 1 ? undefined : next })}
        />
      </div>
      {doing?.what === "add" ? <QuestionDialog datasetId={dataset.id} onClose={close} /> : null}
      {doing?.what === "edit" ? <QuestionDialog datasetId={dataset.id} question={doing.question} onClose={close} /> : null}
      {doing?.what === "csv" ? <ImportQuestions datasetId={dataset.id} onClose={close} /> : null}
      {doing?.what === "log" ? <LogQuestions datasetId={dataset.id} onClose={close} /> : null}
      {doing?.what === "delete" ? (
        <Confirm
          open
          title={t("evaluation.deleteTitle")}
          text={doing.question.question}
          confirm={c("common.delete")}
          cancel={c("common.keep")}
          busy={drop.isPending}
          onClose={close}
          onConfirm={() =>
            drop.mutate(doing.question.id, { onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })), onSettled: close })
          }
        />
      ) : null}
    </>
  );
}

/** What is expected, by name; what is gone says so. */
export function ExpectedList({ expected }: { expected: readonly Expected[] }) {
  const { t } = useTranslation("knowledge");
  if (expected.length === 0) return <span className="text-12 text-ink-3">{t("evaluation.nothingExpected")}</span>;
  return (
    <span className="flex gap-1 flex-wrap">
      {expected.map((one) => (
        <Badge key={`${one.document_id} ${one.segment_id ?? ""}`} {...(one.is_missing ? { tone: "warn" as const, icon: TriangleAlert } : {})}>
          {one.document_name ?? t("evaluation.gone")}
          {one.segment_id === null ? "" : ` #${one.position ?? "?"}`}
          {one.is_missing && one.document_name ? ` (${t("evaluation.chunkGone")})` : ""}
        </Badge>
      ))}
    </span>
  );
}
