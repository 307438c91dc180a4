/** Trying a pipeline: one thing from a data source, the fields, then the trace and the chunks it would become. */
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, Play, Square } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { processFields } from "../../data/pipelines";
import { FieldsForm } from "../../features/pipelines/FieldsForm";
import { inputsOf, isReady, type Values } from "../../features/pipelines/fields";
import { SourceItems } from "../../features/pipelines/SourceItems";
import { type Item, type SourceNode, sourceOf } from "../../features/pipelines/sources";
import { chunksOf, mayGoOn, runOf } from "../../features/pipelines/steps";
import { Chunks } from "../../features/knowledge/Preview";
import "../../features/knowledge/knowledge.css";
import { pipelineIdOf } from "../api";
import { keyNames } from "../canvas/keys";
import { useFormat } from "../canvas/useFormat";
import { isActive } from "../model/run";
import { JsonView } from "../panels/JsonView";
import { StatusBadge } from "../panels/StatusBadge";
import { Button, Key, SelectField, Wrong } from "../parts/controls";
import { goTo, openTray } from "../store/actions";
import { flush } from "../store/autosave";
import { runSource, startRun, stopRun } from "../store/runner";
import { useStudio } from "../store/studio";
import { errorText } from "../tray/TraceTab";
import { SideHead } from "./SideHead";

interface Pick {
  readonly source: string;
  readonly items: readonly Item[];
}

/** What was chosen and typed stays for the next run, as long as the page lives. */
const picks = new Map<string, Pick>();
const remembered = new Map<string, Values>();

function useSources(): SourceNode[] {
  const nodes = useStudio((s) => s.document.nodes);
  return useMemo(() => [...nodes.values()].flatMap((n) => sourceOf(n.id, n.data) ?? []), [nodes]);
}

export function PipelineRun() {
  const { t } = useTranslation("studio");
  const pipelineId = useStudio((s) => pipelineIdOf(s.owner));
  const active = useStudio((s) => isActive(s.run));
  const sources = useSources();
  const [before] = useState(() => picks.get(pipelineId));
  const known = before !== undefined && sources.some((s) => s.id === before.source) ? before : undefined;
  const [chosen, setChosen] = useState<string | undefined>(known?.source);
  const source = sources.find((s) => s.id === chosen) ?? sources[0];
  const [items, setItems] = useState<readonly Item[]>(known?.items ?? []);
  const [waiting, setWaiting] = useState(false);
  const [step, setStep] = useState<"source" | "fields">(known ? "fields" : "source");
  // What was chosen before stays until the source is opened again.
  const [opened, setOpened] = useState(!known);
  const [failed, setFailed] = useState<string>();
  const [saved, setSaved] = useState(false);
  // The server answers for the draft it has.
  useEffect(() => {
    flush().then(() => setSaved(true), (error: unknown) => setFailed(error instanceof Error ? error.message : String(error)));
  }, []);
  const choose = (id: string) => {
    setChosen(id);
    setItems([]);
    setWaiting(false);
  };
  const next = () =>
    flush().then(
      () => {
        setFailed(undefined);
        if (source) picks.set(pipelineId, { source: source.id, items });
        setStep("fields");
      },
      (error: unknown) => setFailed(error instanceof Error ? error.message : String(error)),
    );
  const [first] = items;
  const read = () => {
    if (!source || !first) return;
    goTo(source.id, "lastRun");
    void runSource(source.id, source.type, first.info);
  };
  return (
    <>
      <SideHead title={t("pipelineRun.title")} />
      <div className="st-inspector-body">
        {/* It stays while the fields are open, so that going back finds what was chosen. */}
        <section className="st-section" aria-label={t("pipelineRun.source")} style={step === "source" ? undefined : { display: "none" }}>
          <span className="st-hint">{t("pipelineRun.about")}</span>
          {source ? null : <Wrong>{t("problems.noDatasource")}</Wrong>}
          {sources.length > 1 && source ? <SelectField label={t("datasource.source")} value={source.id} options={sources.map((s) => ({ value: s.id, label: s.title }))} onChange={choose} /> : null}
          {source && saved && opened ? <SourceItems key={source.id} pipelineId={pipelineId} which="draft" source={source} one value={items} onChange={setItems} onWaiting={setWaiting} /> : null}
          {failed ? <Wrong>{failed}</Wrong> : null}
          <div className="st-row">
            <Button look="primary" disabled={!mayGoOn(source, items, waiting)} onClick={() => void next()}>
              {t("pipelineRun.next")}
            </Button>
            <Button disabled={active || !mayGoOn(source, items, waiting)} title={t("pipelineRun.readHint")} onClick={read}>
              {t("pipelineRun.read")}
            </Button>
          </div>
        </section>
        {step === "fields" && source && saved ? <Fields key={source.id} pipelineId={pipelineId} source={source} items={items} active={active} onBack={() => { setOpened(true); setStep("source"); }} /> : null}
        <Result />
      </div>
    </>
  );
}

interface FieldsProps {
  readonly pipelineId: string;
  readonly source: SourceNode;
  readonly items: readonly Item[];
  readonly active: boolean;
  readonly onBack: () => void;
}

function Fields({ pipelineId, source, items, active, onBack }: FieldsProps) {
  const { t } = useTranslation("studio");
  const readOnly = useStudio((s) => s.preview !== undefined);
  const query = useQuery(processFields(pipelineId, "draft", source.id));
  const fields = query.data ?? [];
  const [values, setValues] = useState<Values>(() => remembered.get(pipelineId) ?? {});
  const [tried, setTried] = useState(false);
  const put = (next: Values) => {
    remembered.set(pipelineId, next);
    setValues(next);
  };
  const start = () => {
    setTried(true);
    if (!query.data || !isReady(fields, values)) return;
    openTray("trace");
    const run = runOf(source, items, inputsOf(fields, values));
    void startRun({ inputs: run.inputs, datasource_type: run.datasource_type, datasource_info_list: run.datasource_info_list, start_node_id: run.start_node_id });
  };
  return (
    <form
      className="st-section"
      aria-label={t("pipelineRun.fields")}
      onSubmit={(e) => {
        e.preventDefault();
        start();
      }}
      onKeyDown={(e) => {
        if (e.key === "Enter" && (e.metaKey || e.ctrlKey)) start();
      }}
    >
      <span className="st-hint">{t("pipelineRun.of", { names: items.map((i) => i.name).join(", ") })}</span>
      {query.isPending ? <span className="st-hint">{t("common.loading")}</span> : null}
      {query.error ? <Wrong>{query.error.message}</Wrong> : null}
      {query.data && fields.length === 0 ? <span className="st-hint">{t("pipelineRun.noFields")}</span> : null}
      <FieldsForm fields={fields} values={values} tried={tried} onChange={put} />
      <div className="st-row">
        <Button icon={ArrowLeft} disabled={active} onClick={onBack}>
          {t("pipelineRun.back")}
        </Button>
        {active ? (
          <Button icon={Square} onClick={stopRun}>
            {t("pill.stop")} <Key>{keyNames.alt(".")}</Key>
          </Button>
        ) : (
          <Button look="primary" icon={Play} type="submit" disabled={readOnly || !query.data}>
            {t("pipelineRun.start")}
          </Button>
        )}
      </div>
    </form>
  );
}

/** How the run ended, and the chunks. */
function Result() {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const run = useStudio((s) => s.run);
  const chunks = useMemo(() => chunksOf(run.outputs), [run.outputs]);
  if (run.status === "idle") return null;
  return (
    <>
      <section className="st-section">
        <div className="st-between">
          <StatusBadge status={run.status} />
          <span className="st-meta st-num">{run.elapsed === undefined ? "" : format.duration(run.elapsed)}</span>
        </div>
        {run.error ? <Wrong>{errorText(run.error, t)}</Wrong> : null}
      </section>
      {chunks ? (
        <section className="st-section" aria-label={t("pipelineRun.chunks")}>
          <span className="st-label">{t("pipelineRun.chunks")}</span>
          <Chunks data={chunks.estimate} form={chunks.form} />
        </section>
      ) : (
        <JsonView title={t("lastRun.outputs")} value={run.outputs} />
      )}
    </>
  );
}
