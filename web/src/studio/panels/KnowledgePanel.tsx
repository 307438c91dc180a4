/** Looking up chunks of knowledge: what is asked, where, how the results are ranked, which documents count. */
import { useQuery } from "@tanstack/react-query";
import { ExternalLink, LibraryBig, Plus, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Dataset, datasetsById, listDatasets } from "../api";
import { ModelField } from "../editors/ModelField";
import { PromptEditor } from "../editors/PromptEditor";
import { VariableField } from "../editors/VariableField";
import { needsValue } from "../model/conditions";
import type { PanelProps } from "../nodes/kind";
import { type KnowledgeData, METADATA_OPERATORS, type MetadataCondition, type MultipleConfig, multipleOf, RERANK_MODES, reranks } from "../nodes/knowledge-retrieval";
import { NO_MODEL } from "../nodes/schema";
import { Button, IconButton, NumberField, SelectField, SwitchRow, TextField, Wrong } from "../parts/controls";
import { Dialog } from "../parts/Dialog";

const TEXT = ["string"];
const IMAGES = ["file", "array[file]"];

export function KnowledgePanel({ id, data, update }: PanelProps<KnowledgeData>) {
  const { t } = useTranslation("studio");
  return (
    <>
      <section className="st-section">
        <span className="st-label">{t("knowledge.query")}</span>
        <VariableField node={id} label={t("knowledge.query")} types={TEXT} value={data.query_variable_selector} onChange={(query_variable_selector) => update({ query_variable_selector })} onClear={() => update({ query_variable_selector: [] })} />
        <div className="st-between">
          <span className="st-label">{t("knowledge.images")}</span>
          <span className="st-meta">{t("common.optional")}</span>
        </div>
        <VariableField node={id} label={t("knowledge.images")} types={IMAGES} value={data.query_attachment_selector} onChange={(query_attachment_selector) => update({ query_attachment_selector })} onClear={() => update({ query_attachment_selector: [] })} />
      </section>
      <Bases ids={data.dataset_ids} onChange={(dataset_ids) => update({ dataset_ids })} />
      <Ranking data={data} update={update} />
      <MetadataFilter id={id} data={data} update={update} />
    </>
  );
}

function Bases({ ids, onChange }: { ids: readonly string[]; onChange: (ids: string[]) => void }) {
  const { t } = useTranslation("studio");
  const [choosing, setChoosing] = useState(false);
  const bases = useQuery({ queryKey: ["datasets", "studio"], queryFn: listDatasets, staleTime: 30_000 });
  const named = useMemo(() => new Map((bases.data ?? []).map((b) => [b.id, b])), [bases.data]);
  // More than the list has: these are asked for by their ids.
  const missing = bases.data ? ids.filter((one) => UUID.test(one) && !named.has(one)) : [];
  const others = useQuery({ queryKey: ["datasets", "studio", missing], queryFn: () => datasetsById(missing), enabled: missing.length > 0, staleTime: 30_000 });
  const find = (one: string) => named.get(one) ?? others.data?.find((b) => b.id === one);
  const pending = bases.isPending || (missing.length > 0 && others.isPending);
  return (
    <section className="st-section" aria-label={t("knowledge.label")}>
      <div className="st-between">
        <span className="st-label">{t("knowledge.label")}</span>
        <Button look="quiet" size="sm" icon={Plus} onClick={() => setChoosing(true)}>
          {t("common.add")}
        </Button>
      </div>
      {bases.error ? <Wrong>{bases.error.message}</Wrong> : null}
      {ids.length === 0 ? <span className="st-hint">{t(bases.data?.length === 0 ? "knowledge.noneHere" : "knowledge.none")}</span> : null}
      {ids.map((one) => {
        const base = find(one);
        return (
          <div className="st-row" key={one}>
            <span className="st-pick">
              <span className="st-tile sm st-cat-knowledge">
                <LibraryBig size={12} strokeWidth={2} aria-hidden />
              </span>
              <span className={base ? "st-clip st-field-name" : "st-clip st-mono"}>{base?.name ?? one}</span>
              {base?.indexing_technique ? <span className="st-badge">{t(`knowledge.techniques.${base.indexing_technique}`, { defaultValue: base.indexing_technique })}</span> : null}
              {base || pending ? null : <span className="st-badge bad">{t("knowledge.gone")}</span>}
            </span>
            {base ? (
              <a className="st-button quiet sm icon" href={`/datasets/${one}`} target="_blank" rel="noreferrer" aria-label={t("knowledge.open", { name: base.name })} title={t("knowledge.open", { name: base.name })}>
                <ExternalLink size={14} strokeWidth={1.9} aria-hidden />
              </a>
            ) : null}
            <IconButton label={t("inputs.remove", { name: base?.name ?? one })} icon={Trash2} onClick={() => onChange(ids.filter((i) => i !== one))} />
          </div>
        );
      })}
      {choosing ? <BaseDialog bases={bases.data ?? []} chosen={ids} onClose={() => setChoosing(false)} onSave={(next) => { setChoosing(false); onChange(next); }} /> : null}
    </section>
  );
}

interface BaseDialogProps {
  readonly bases: readonly Dataset[];
  readonly chosen: readonly string[];
  readonly onClose: () => void;
  readonly onSave: (ids: string[]) => void;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function BaseDialog({ bases, chosen, onClose, onSave }: BaseDialogProps) {
  const { t } = useTranslation("studio");
  const [picked, setPicked] = useState<readonly string[]>(chosen);
  const [query, setQuery] = useState("");
  const needle = query.trim().toLocaleLowerCase();
  const rows = bases.filter((b) => b.name.toLocaleLowerCase().includes(needle));
  const byId = UUID.test(query.trim()) && !bases.some((b) => b.id === query.trim());
  const toggle = (id: string) => setPicked((now) => (now.includes(id) ? now.filter((i) => i !== id) : [...now, id]));
  return (
    <Dialog
      title={t("knowledge.choose")}
      closeLabel={t("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button look="primary" onClick={() => onSave([...picked])}>
            {t("common.save")}
          </Button>
        </>
      }
    >
      <TextField label={t("knowledge.search")} hideLabel placeholder={t("knowledge.search")} value={query} onChange={setQuery} />
      <fieldset className="st-plain">
        <legend className="st-sr">{t("knowledge.label")}</legend>
        {rows.map((base) => (
          <label key={base.id} className="st-option">
            <input type="checkbox" checked={picked.includes(base.id)} onChange={() => toggle(base.id)} />
            <span className="st-grow st-clip">{base.name}</span>
            {base.indexing_technique ? <span className="st-badge">{t(`knowledge.techniques.${base.indexing_technique}`, { defaultValue: base.indexing_technique })}</span> : null}
            <span className="st-meta">{base.document_count ? t("knowledge.documents", { count: base.document_count }) : t("knowledge.noDocuments")}</span>
          </label>
        ))}
        {byId ? (
          <label className="st-option">
            <input type="checkbox" checked={picked.includes(query.trim())} onChange={() => toggle(query.trim())} />
            <span className="st-grow st-clip st-mono">{query.trim()}</span>
          </label>
        ) : null}
        {bases.length === 0 ? (
          <a className="st-option" href="/datasets/create" target="_blank" rel="noreferrer">
            {t("knowledge.create")}
          </a>
        ) : null}
        {rows.length === 0 && !byId ? <div className="st-empty">{t(bases.length === 0 ? "knowledge.noneHere" : "knowledge.noMatch", { query })}</div> : null}
      </fieldset>
    </Dialog>
  );
}

function Ranking({ data, update }: Pick<PanelProps<KnowledgeData>, "data" | "update">) {
  const { t } = useTranslation("studio");
  const config = multipleOf(data);
  const put = (patch: Partial<MultipleConfig>) => update({ multiple_retrieval_config: { ...config, ...patch } });
  const on = reranks(config);
  const single = data.retrieval_mode === "single";
  const vector = config.weights?.vector_setting?.vector_weight ?? 0.7;
  const weigh = (value: number) =>
    put({
      weights: {
        ...config.weights,
        vector_setting: { embedding_provider_name: "", embedding_model_name: "", ...config.weights?.vector_setting, vector_weight: value },
        keyword_setting: { ...config.weights?.keyword_setting, keyword_weight: Math.round((1 - value) * 100) / 100 },
      },
    });
  return (
    <section className="st-section" aria-label={t("knowledge.ranking")}>
      <SelectField label={t("knowledge.mode")} hint={t(`knowledge.modeHints.${single ? "single" : "multiple"}`)} value={data.retrieval_mode} options={["multiple", "single"].map((m) => ({ value: m, label: t(`knowledge.modes.${m}`) }))} onChange={(retrieval_mode) => update({ retrieval_mode })} />
      {single ? (
        <ModelField value={data.single_retrieval_config?.model ?? NO_MODEL} onChange={(model) => update({ single_retrieval_config: { ...data.single_retrieval_config, model } })} />
      ) : (
        <>
          <div className="st-pair">
            <NumberField label={t("knowledge.topK")} min={1} max={10} value={config.top_k} onChange={(v) => put({ top_k: Math.max(1, Math.round(v ?? 1)) })} />
            <NumberField label={t("knowledge.threshold")} optional={t("common.optional")} min={0} max={1} step={0.01} value={config.score_threshold ?? undefined} onChange={(v) => put({ score_threshold: v ?? null })} />
          </div>
          <SwitchRow label={t("knowledge.rerank")} checked={on} onChange={(reranking_enable) => put({ reranking_enable })} />
          {on ? (
            <>
              <SelectField label={t("knowledge.rerankBy")} hideLabel value={config.reranking_mode} options={RERANK_MODES.map((m) => ({ value: m, label: t(`knowledge.rerankModes.${m}`) }))} onChange={(reranking_mode) => put({ reranking_mode })} />
              {config.reranking_mode === "weighted_score" ? (
                <div className="st-row">
                  <span className="st-meta st-num">{t("knowledge.meaning", { percent: Math.round(vector * 100) })}</span>
                  <input className="st-range" type="range" aria-label={t("knowledge.weight")} min={0} max={1} step={0.05} value={1 - vector} onChange={(e) => weigh(Math.round((1 - Number(e.target.value)) * 100) / 100)} />
                  <span className="st-meta st-num">{t("knowledge.words", { percent: Math.round((1 - vector) * 100) })}</span>
                </div>
              ) : (
                <ModelField
                  type="rerank"
                  label={t("knowledge.rerankModel")}
                  value={{ ...NO_MODEL, provider: config.reranking_model?.provider ?? "", name: config.reranking_model?.model ?? "" }}
                  onChange={(model) => put({ reranking_model: { provider: model.provider, model: model.name } })}
                />
              )}
            </>
          ) : null}
        </>
      )}
    </section>
  );
}

function MetadataFilter({ id, data, update }: PanelProps<KnowledgeData>) {
  const { t } = useTranslation("studio");
  const filter = data.metadata_filtering_conditions ?? { logical_operator: "and", conditions: [] };
  const write = (conditions: readonly MetadataCondition[]) => update({ metadata_filtering_conditions: { ...filter, conditions: [...conditions] } });
  return (
    <section className="st-section" aria-label={t("knowledge.filter")}>
      <SelectField label={t("knowledge.filter")} hint={t(`knowledge.filterHints.${data.metadata_filtering_mode}`, { defaultValue: "" })} value={data.metadata_filtering_mode} options={["disabled", "automatic", "manual"].map((m) => ({ value: m, label: t(`knowledge.filters.${m}`) }))} onChange={(metadata_filtering_mode) => update({ metadata_filtering_mode })} />
      {data.metadata_filtering_mode === "automatic" ? <ModelField value={data.metadata_model_config ?? NO_MODEL} onChange={(metadata_model_config) => update({ metadata_model_config })} /> : null}
      {data.metadata_filtering_mode === "manual" ? (
        <>
          {filter.conditions.length > 1 ? (
            <div>
              <Button size="sm" look="quiet" title={t("condition.switchLogic")} onClick={() => update({ metadata_filtering_conditions: { ...filter, logical_operator: filter.logical_operator === "or" ? "and" : "or" } })}>
                {t(filter.logical_operator === "or" ? "condition.any" : "condition.all")}
              </Button>
            </div>
          ) : null}
          {filter.conditions.map((condition, i) => {
            const put = (patch: Partial<MetadataCondition>) => write(filter.conditions.map((c, j) => (j === i ? { ...c, ...patch } : c)));
            return (
              <div className="st-condition" key={condition.id || i}>
                <div className="st-pair">
                  <TextField label={t("knowledge.field", { number: i + 1 })} hideLabel mono placeholder={t("knowledge.fieldName")} value={condition.name} onChange={(name) => put({ name })} />
                  <SelectField label={t("condition.operator")} hideLabel value={condition.comparison_operator} options={METADATA_OPERATORS.map((o) => ({ value: o, label: t(`operators.${o}`, { defaultValue: o }) }))} onChange={(comparison_operator) => put({ comparison_operator })} />
                </div>
                <IconButton label={t("condition.remove")} icon={Trash2} onClick={() => write(filter.conditions.filter((_, j) => j !== i))} />
                {needsValue(condition.comparison_operator) ? (
                  <div className="wide st-box">
                    <PromptEditor single node={id} label={t("condition.value")} placeholder={t("condition.valuePlaceholder")} value={condition.value} onChange={(value) => put({ value })} />
                  </div>
                ) : null}
              </div>
            );
          })}
          <div>
            <Button size="sm" look="quiet" icon={Plus} onClick={() => write([...filter.conditions, { id: crypto.randomUUID(), name: "", comparison_operator: "is", value: "" }])}>
              {t("condition.add")}
            </Button>
          </div>
        </>
      ) : null}
    </section>
  );
}
