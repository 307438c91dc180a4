/** One document is made anew: from the same thing, with its fields as they were or otherwise. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { History } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type ExecutionLog, executionLog, type PipelineRun, publishedPipeline, startRun } from "../../data/pipelines";
import { errorDetails, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import "../knowledge/knowledge.css";
import { ProgressStep } from "../knowledge/ProgressStep";
import type { Created, Dataset } from "../knowledge/types";
import type { Values } from "./fields";
import { ProcessStep } from "./ProcessStep";
import { type Item, nameOfInfo, type SourceNode, sourcesOf } from "./sources";

interface Props {
  readonly dataset: Dataset;
  readonly documentId: string;
  readonly onBack: () => void;
  readonly onDone: () => void;
  readonly onTest: () => void;
}

export function ReprocessPage(props: Props) {
  const { dataset, documentId, onBack } = props;
  const { t } = useTranslation("pipelines");
  const { t: c } = useTranslation();
  const log = useQuery(executionLog(dataset.id, documentId));
  const published = useQuery(publishedPipeline(dataset.pipeline_id ?? ""));
  const problem = log.error ?? published.error;
  if (problem) {
    return (
      <div className="p-5 flex-1">
        <Failed
          title={t("again.failed")}
          text={messageOf(problem)}
          retry={{ label: c("common.retry"), onClick: () => void Promise.all([log.refetch(), published.refetch()]) }}
          details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(problem) }}
        />
      </div>
    );
  }
  const made = log.data;
  if (!made || published.isPending) {
    return (
      <div className="p-5 flex-1">
        <SkeletonRows rows={6} height={44} slow={c("common.slow")} label={c("common.loading")} />
      </div>
    );
  }
  const source = sourcesOf(published.data?.graph).find((each) => each.id === made.datasource_node_id);
  if (!made.datasource_info || !source) {
    return (
      <div className="p-5 flex-1">
        <Empty icon={History} cat="knowledge" title={t("again.none")} text={t(made.datasource_info ? "again.noSource" : "again.noLog")}>
          <Button onClick={onBack}>{t("again.back")}</Button>
        </Empty>
      </div>
    );
  }
  return <Form key={documentId} {...props} log={made} source={source} pipelineId={dataset.pipeline_id ?? ""} />;
}

interface FormProps extends Props {
  readonly log: ExecutionLog;
  readonly source: SourceNode;
  readonly pipelineId: string;
}

function Form({ dataset, documentId, log, source, pipelineId, onBack, onDone, onTest }: FormProps) {
  const { t } = useTranslation("pipelines");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const [values, setValues] = useState<Values>(() => log.input_data ?? {});
  const name = nameOfInfo(log.datasource_type, log.datasource_info);
  const items: readonly Item[] = log.datasource_info ? [{ id: documentId, name: name || documentId, info: log.datasource_info }] : [];
  const run = useMutation({
    mutationFn: (body: PipelineRun) => startRun(pipelineId, { ...body, original_document_id: documentId }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["datasets"] }),
  });
  const created: Created | undefined = run.data;
  return (
    <section className="flex-1 flex flex-col min-h-0" aria-label={t("again.title", { name })}>
      {created ? (
        <ProgressStep created={created} fresh={false} onDone={onDone} onTest={onTest} />
      ) : (
        <>
          <header className="px-6 max-md:px-4 py-3 border-b border-line-1">
            <h1 className="font-semibold">{t("again.title", { name })}</h1>
            <p className="text-12 text-ink-2">{t("again.text", { source: source.title, base: dataset.name })}</p>
          </header>
          <ProcessStep
            pipelineId={pipelineId}
            source={source}
            items={items}
            values={values}
            onValues={setValues}
            back={c("common.back")}
            submit={t("again.submit")}
            busy={run.isPending}
            error={run.error}
            onBack={onBack}
            onSubmit={(body) => run.mutate(body)}
          />
        </>
      )}
    </section>
  );
}
