/** From files to a knowledge base: what, how, done. The same for adding documents to one that is there. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronRight } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { defaultModel, modelsOfType } from "../../data/models";
import { messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import { useMedia } from "../../lib/media";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Kbd } from "../../ui/Kbd";
import { Segmented } from "../../ui/Segmented";
import { useLeaveGuard } from "../basic/useLeaveGuard";
import { createDocuments, createEmpty, documentList, type IndexingSettings, type KnowledgeConfig, processRule, useKnowledgeChange } from "./api";
import { EmbeddingCost } from "./EmbeddingCost";
import { IndexForm } from "./IndexForm";
import "./knowledge.css";
import type { ChosenModel } from "./ModelSelect";
import { Preview } from "./Preview";
import { ProgressStep } from "./ProgressStep";
import { lacksModel, retrievalOf, startRetrieval, wireRetrieval } from "./retrieval";
import { isRight, problemsOf, ruleOf, type Splitting, splittingOf, startSplitting } from "./rules";
import { SourceStep, useLimits } from "./SourceStep";
import { SplitForm } from "./SplitForm";
import { Steps } from "./Steps";
import { SummaryForm } from "./SummaryForm";
import { type NotionPick, type Picked, pickedFiles, pickedNotion, pickedPages, type SourceKind, type WebsitePick } from "./sources";
import { canSummarise, summaryOf } from "./summary";
import type { Created, Dataset, RetrievalModel, SummarySetting, Technique } from "./types";
import { useUploads } from "./useUploads";

interface Props {
  /** Where documents are added; without it a knowledge base is made. */
  readonly dataset: Dataset | undefined;
  readonly onCancel: () => void;
  readonly onDone: (datasetId: string) => void;
  readonly onTest: (datasetId: string) => void;
}

type Step = "source" | "split" | "done";
const STEPS: readonly Step[] = ["source", "split", "done"];

export function CreatePage({ dataset, onCancel, onDone, onTest }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const [step, setStep] = useState<Step>("source");
  const steps = STEPS.map((each) => ({ key: each, label: t(`create.step.${each}`) }));
  const [created, setCreated] = useState<Created>();
  const [empty, setEmpty] = useState(false);
  const [left, setLeft] = useState(false);
  const limits = useLimits();
  const files = useUploads(limits);
  const ready = useMemo(() => files.uploads.flatMap((each) => (each.id === undefined ? [] : [{ id: each.id, name: each.name }])), [files.uploads]);
  const [kind, setKind] = useState<SourceKind>("files");
  const [website, setWebsite] = useState<WebsitePick>();
  const [notion, setNotion] = useState<NotionPick>();
  const picked = useMemo(
    () => (kind === "website" ? pickedPages(website) : kind === "notion" ? pickedNotion(notion) : pickedFiles(ready)),
    [kind, ready, website, notion],
  );
  const waiting = kind === "files" && files.uploads.some((each) => each.id === undefined && each.problem === undefined);
  const begun = files.uploads.length > 0 || website !== undefined || (notion?.pages.length ?? 0) > 0;
  useLeaveGuard(step !== "done" && begun && !left, t("create.leave"));
  return (
    <section className="flex-1 flex flex-col min-h-0" aria-label={t(dataset ? "create.addTitle" : "create.title", { name: dataset?.name })}>
      {dataset ? (
        <Steps steps={steps} at={step} />
      ) : (
        <header className="bar">
          <nav className="flex items-center gap-1.5 text-ink-3 whitespace-nowrap min-w-0" aria-label={t("crumb.label")}>
            <Link to="/datasets" className="hover:text-ink-1">
              {t("list.title")}
            </Link>
            <ChevronRight size={12} strokeWidth={2} aria-hidden />
            <span className="text-ink-1 font-semibold truncate">{t("create.title")}</span>
          </nav>
          <span className="bar-line w-px h-4 bg-line-1" aria-hidden />
          <Steps steps={steps} at={step} inBar />
          <span className="flex-1" />
          {step === "split" ? (
            <Button kind="quiet" onClick={onCancel}>
              {c("common.cancel")}
            </Button>
          ) : null}
        </header>
      )}
      {step === "source" ? (
        <>
          <div className="flex-1 min-h-0 overflow-auto">
            <div className="max-w-[760px] mx-auto px-7 max-md:px-4 py-6">
              <SourceStep
                kind={kind}
                files={files}
                limits={limits}
                datasetId={dataset?.id}
                website={website}
                notion={notion}
                onKind={setKind}
                onWebsite={setWebsite}
                onNotion={setNotion}
              />
            </div>
          </div>
          <footer className="flex items-center gap-2 px-5 max-md:px-4 py-2.5 border-t border-line-1 flex-wrap">
            <Button kind="quiet" onClick={onCancel}>
              {c("common.cancel")}
            </Button>
            {dataset ? null : (
              <Button kind="quiet" onClick={() => setEmpty(true)}>
                {t("create.empty")}
              </Button>
            )}
            <span className="flex-1" />
            {waiting ? <span className="text-12 text-ink-3">{t("create.waiting")}</span> : null}
            <Button kind="primary" disabled={picked.items.length === 0 || waiting} onClick={() => setStep("split")}>
              {t("create.next")}
            </Button>
          </footer>
        </>
      ) : null}
      {step === "split" ? (
        <SplitStep
          dataset={dataset}
          picked={picked}
          onBack={() => setStep("source")}
          onCreated={(answer) => {
            setCreated(answer);
            setStep("done");
          }}
        />
      ) : null}
      {step === "done" && created ? (
        <ProgressStep created={created} fresh={dataset === undefined} onDone={() => onDone(created.dataset.id)} onTest={() => onTest(created.dataset.id)} />
      ) : null}
      {empty ? (
        <EmptyDialog
          onClose={() => setEmpty(false)}
          onCreated={(id) => {
            setLeft(true);
            onDone(id);
          }}
        />
      ) : null}
    </section>
  );
}

interface SplitProps {
  readonly dataset: Dataset | undefined;
  readonly picked: Picked;
  readonly onBack: () => void;
  readonly onCreated: (created: Created) => void;
}

/** What the knowledge base already says about its documents. */
function useStored(dataset: Dataset | undefined) {
  const has = dataset !== undefined && dataset.doc_form !== null && dataset.document_count > 0;
  const first = useQuery({ ...documentList(dataset?.id ?? "", { page: 1 }), enabled: has, refetchInterval: false }).data?.data[0];
  const rule = useQuery({ ...processRule(first?.id), enabled: !has || first !== undefined });
  return { has, rule: rule.data, settled: rule.isSuccess || rule.isError };
}

function SplitStep({ dataset, picked, onBack, onCreated }: SplitProps) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const stored = useStored(dataset);
  const [edited, setEdited] = useState<Splitting>();
  const splitting = edited ?? (stored.has && stored.rule && dataset?.doc_form ? splittingOf(stored.rule, dataset.doc_form, "English") : startSplitting());
  const most = stored.rule?.limits?.indexing_max_segmentation_tokens_length;
  const problems = problemsOf(splitting, most);

  const embeddings = useQuery(modelsOfType("text-embedding")).data?.data;
  const standard = useQuery(defaultModel("text-embedding")).data?.data;
  const noEmbedding = embeddings?.every((group) => group.models.length === 0) === true;
  const fixedTechnique = dataset?.indexing_technique ?? undefined;
  const [chosenTechnique, setTechnique] = useState<Technique>();
  // Parents, children and questions are found by meaning only; plain chunks work without any model.
  const needsVectors = splitting.form !== "text_model";
  const technique: Technique = fixedTechnique ?? (needsVectors ? "high_quality" : (chosenTechnique ?? (noEmbedding ? "economy" : "high_quality")));
  const [chosenModel, setModel] = useState<ChosenModel>();
  const firstModel = embeddings?.flatMap((group) =>
    group.models.filter((model) => !model.refused).map((model) => ({ provider: group.provider, model: model.model })),
  )[0];
  const embedding: ChosenModel | undefined =
    technique === "economy"
      ? undefined
      : dataset?.embedding_model && dataset.embedding_model_provider
        ? { provider: dataset.embedding_model_provider, model: dataset.embedding_model }
        : (chosenModel ?? (standard ? { provider: standard.provider.provider, model: standard.model } : firstModel));
  const [chosenRetrieval, setRetrieval] = useState<RetrievalModel>();
  const fitting = chosenRetrieval && (technique === "economy") === (chosenRetrieval.search_method === "keyword_search") ? chosenRetrieval : undefined;
  const retrieval = fitting ?? (dataset?.retrieval_model_dict ? retrievalOf({ ...dataset, indexing_technique: technique }) : startRetrieval(technique));

  // Of a knowledge base that is in use, its settings say it.
  const summarises = !stored.has && canSummarise(technique, splitting.form);
  const [chosenSummary, setSummary] = useState<SummarySetting>();
  const summary = chosenSummary ?? summaryOf(dataset?.summary_index_setting);

  const settings: IndexingSettings | undefined =
    isRight(problems) && stored.settled
      ? { indexing_technique: technique, process_rule: ruleOf(splitting), doc_form: splitting.form, doc_language: splitting.language }
      : undefined;
  const lacking = technique === "high_quality" && !embedding ? "embedding" : lacksModel(retrieval) ? "rerank" : undefined;

  const send = useKnowledgeChange((config: KnowledgeConfig) => createDocuments(dataset?.id, picked.info(picked.items.map((item) => item.id)), config));
  const save = () => {
    if (!settings || lacking || send.isPending) return;
    const config: KnowledgeConfig = {
      ...settings,
      retrieval_model: wireRetrieval(retrieval, embedding),
      ...(embedding ? { embedding_model: embedding.model, embedding_model_provider: embedding.provider } : {}),
      ...(summarises && chosenSummary ? { summary_index_setting: chosenSummary } : {}),
    };
    send.mutate(config, { onSuccess: onCreated });
  };
  useKeys({ "mod+Enter": save });
  const narrow = useMedia("(max-width: 899px)");
  const [pane, setPane] = useState<"settings" | "preview">("settings");
  return (
    <>
      {narrow ? (
        <div className="px-4 py-2 border-b border-line-1 flex justify-center">
          <Segmented
            label={t("create.panes")}
            value={pane}
            onChange={setPane}
            segments={[
              { value: "settings", label: t("create.settings") },
              { value: "preview", label: t("preview.title") },
            ]}
          />
        </div>
      ) : null}
      <div className="flex-1 min-h-0 flex">
        <form
          className={`kb-settings${narrow && pane !== "settings" ? " hidden" : ""}`}
          data-narrow={narrow}
          onSubmit={(event) => {
            event.preventDefault();
            save();
          }}
        >
          <div className="flex-1 min-h-0 overflow-auto px-6 max-md:px-4 py-4.5 flex flex-col gap-5">
            <SplitForm value={splitting} problems={problems} most={most} fixed={stored.has} onChange={setEdited} />
            <hr className="border-line-1" />
            <IndexForm
              technique={technique}
              fixed={fixedTechnique !== undefined}
              needsVectors={needsVectors}
              noEmbedding={noEmbedding}
              embedding={embedding}
              fixedModel={Boolean(dataset?.embedding_model)}
              retrieval={retrieval}
              onTechnique={setTechnique}
              onEmbedding={setModel}
              onRetrieval={setRetrieval}
            />
            {summarises ? (
              <>
                <hr className="border-line-1" />
                <SummaryForm value={summary} onChange={setSummary} />
              </>
            ) : null}
          </div>
          <footer className="px-6 max-md:px-4 py-2.5 border-t border-line-1 flex flex-col gap-2">
            {send.error ? (
              <div className="wrong" role="alert">
                {messageOf(send.error)}
              </div>
            ) : lacking ? (
              <div className="hint">{t(`create.lacking.${lacking}`)}</div>
            ) : null}
            <div className="text-12 text-ink-3 num flex flex-col">
              <span>{t("create.count", { count: picked.items.length })}</span>
              {settings && embedding ? (
                <EmbeddingCost picked={picked} datasetId={dataset?.id} settings={settings} embedding={embedding} groups={embeddings} />
              ) : null}
            </div>
            <div className="flex items-center justify-between gap-3">
              <Button onClick={onBack}>{c("common.back")}</Button>
              <Button type="submit" kind="primary" busy={send.isPending} disabled={!settings || lacking !== undefined}>
                {t("create.submit")}
                <Kbd keys="mod+enter" />
              </Button>
            </div>
          </footer>
        </form>
        {narrow && pane !== "preview" ? null : (
          <Preview picked={picked} datasetId={dataset?.id} settings={settings} summary={summarises && summary.enable ? summary : undefined} />
        )}
      </div>
    </>
  );
}

function EmptyDialog({ onClose, onCreated }: { onClose: () => void; onCreated: (id: string) => void }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const [name, setName] = useState("");
  const [asked, setAsked] = useState(false);
  const make = useKnowledgeChange(createEmpty);
  const save = () => {
    setAsked(true);
    if (name.trim() !== "") make.mutate(name.trim(), { onSuccess: (made) => onCreated(made.id) });
  };
  return (
    <Dialog
      open
      size="sm"
      title={t("create.empty")}
      about={t("create.emptyText")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" busy={make.isPending} onClick={save}>
            {t("create.make")}
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <Field label={t("settings.name")} error={make.error ? messageOf(make.error) : asked && name.trim() === "" ? t("settings.needName") : undefined}>
          <Input value={name} maxLength={40} onChange={(event) => setName(event.target.value)} />
        </Field>
      </form>
    </Dialog>
  );
}
