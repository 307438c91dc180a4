/** Documents for a knowledge base whose documents a pipeline makes: what, how, done. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Workflow } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type PipelineRun, publishedPipeline, startRun } from "../../data/pipelines";
import { errorDetails, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Segmented } from "../../ui/Segmented";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { useLeaveGuard } from "../basic/useLeaveGuard";
import "../knowledge/knowledge.css";
import { ProgressStep } from "../knowledge/ProgressStep";
import { Steps } from "../knowledge/Steps";
import type { Created, Dataset } from "../knowledge/types";
import type { Values } from "./fields";
import { ProcessStep } from "./ProcessStep";
import { SourceItems } from "./SourceItems";
import { type Item, type SourceNode, sourcesOf } from "./sources";
import { mayGoOn, STEPS, type Step } from "./steps";

interface Props {
  readonly dataset: Dataset;
  readonly onCancel: () => void;
  readonly onDone: () => void;
  readonly onTest: () => void;
  /** Only for those who may edit it. */
  readonly onPipeline?: (() => void) | undefined;
}

export function AddPage(props: Props) {
  const { dataset } = props;
  const { t } = useTranslation("pipelines");
  const { t: c } = useTranslation();
  const published = useQuery(publishedPipeline(dataset.pipeline_id ?? ""));
  const sources = useMemo(() => sourcesOf(published.data?.graph), [published.data]);
  if (published.isPending) {
    return (
      <div className="p-5 flex-1">
        <SkeletonRows rows={6} height={44} slow={c("common.slow")} label={c("common.loading")} />
      </div>
    );
  }
  if (published.error) {
    return (
      <div className="p-5 flex-1">
        <Failed
          title={t("add.failed")}
          text={messageOf(published.error)}
          retry={{ label: c("common.retry"), onClick: () => void published.refetch() }}
          details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(published.error) }}
        />
      </div>
    );
  }
  if (!published.data || sources.length === 0) {
    return (
      <div className="p-5 flex-1">
        <Empty icon={Workflow} cat="knowledge" title={t(published.data ? "add.noSource" : "add.unpublished")} text={t("add.unpublishedText")}>
          {props.onPipeline ? (
            <Button kind="primary" onClick={props.onPipeline}>
              {t("add.openPipeline")}
            </Button>
          ) : null}
        </Empty>
      </div>
    );
  }
  return <Wizard {...props} pipelineId={dataset.pipeline_id ?? ""} sources={sources} />;
}

function Wizard({ dataset, pipelineId, sources, onCancel, onDone, onTest }: Props & { readonly pipelineId: string; readonly sources: readonly SourceNode[] }) {
  const { t } = useTranslation("pipelines");
  const { t: k } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const [step, setStep] = useState<Step>("source");
  const [at, setAt] = useState(sources[0]?.id ?? "");
  const source = sources.find((each) => each.id === at) ?? sources[0];
  const [items, setItems] = useState<readonly Item[]>([]);
  const [waiting, setWaiting] = useState(false);
  const [values, setValues] = useState<Values>({});
  const choose = (id: string) => {
    setAt(id);
    setItems([]);
    setWaiting(false);
  };
  const run = useMutation({
    mutationFn: (body: PipelineRun) => startRun(pipelineId, body),
    onSuccess: async () => {
      setStep("done");
      await client.invalidateQueries({ queryKey: ["datasets"] });
    },
  });
  const created: Created | undefined = run.data;
  useLeaveGuard(step !== "done" && items.length > 0, k("create.leave"));
  const steps = STEPS.map((each) => ({ key: each, label: t(`add.step.${each}`) }));
  return (
    <section className="flex-1 flex flex-col min-h-0" aria-label={k("create.addTitle", { name: dataset.name })}>
      <Steps steps={steps} at={step} />
      {/* It stays while the next step is open, so that going back finds what was chosen. */}
      <div className="flex-1 min-h-0 flex-col" style={{ display: step === "source" ? "flex" : "none" }}>
        <div className="flex-1 min-h-0 overflow-auto">
          <div className="max-w-[760px] mx-auto px-7 max-md:px-4 py-6 flex flex-col gap-4">
            <h1 className="text-20 font-semibold">{k("source.title")}</h1>
            {sources.length > 1 && source ? (
              <div className="overflow-x-auto">
                <Segmented
                  label={k("source.kind")}
                  value={source.id}
                  onChange={choose}
                  segments={sources.map((each) => ({ value: each.id, label: each.title }))}
                />
              </div>
            ) : null}
            {source ? (
              <SourceItems
                key={source.id}
                pipelineId={pipelineId}
                which="published"
                source={source}
                one={false}
                value={items}
                onChange={setItems}
                onWaiting={setWaiting}
              />
            ) : null}
          </div>
        </div>
        <footer className="flex items-center gap-2 px-5 max-md:px-4 py-2.5 border-t border-line-1 flex-wrap">
          <Button kind="quiet" onClick={onCancel}>
            {c("common.cancel")}
          </Button>
          <span className="flex-1" />
          {waiting ? <span className="text-12 text-ink-3">{k("create.waiting")}</span> : null}
          <Button kind="primary" disabled={!mayGoOn(source, items, waiting)} onClick={() => setStep("fields")}>
            {k("create.next")}
          </Button>
        </footer>
      </div>
      {step === "fields" && source ? (
        <ProcessStep
          key={source.id}
          pipelineId={pipelineId}
          source={source}
          items={items}
          values={values}
          onValues={setValues}
          back={c("common.back")}
          submit={t("add.submit")}
          busy={run.isPending}
          error={run.error}
          onBack={() => setStep("source")}
          onSubmit={(body) => run.mutate(body)}
        />
      ) : null}
      {step === "done" && created ? <ProgressStep created={created} fresh={false} onDone={onDone} onTest={onTest} /> : null}
    </section>
  );
}
