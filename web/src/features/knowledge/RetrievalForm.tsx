/** How chunks are found: the method, the ranking, how many, how good. */
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { Input } from "../../ui/Input";
import { Segmented } from "../../ui/Segmented";
import { Slider } from "../../ui/Slider";
import { Switch } from "../../ui/Switch";
import { type ChosenModel, ModelSelect } from "./ModelSelect";
import { MAX_TOP_K, METHODS, rankingOf, rankingsOf, vectorWeight, withMethod, withRanking, withWeight } from "./retrieval";
import type { RetrievalModel, Technique } from "./types";

interface Props {
  readonly value: RetrievalModel;
  readonly technique: Technique;
  readonly embedding: ChosenModel | undefined;
  readonly onChange: (value: RetrievalModel) => void;
}

/** Characters of a knowledge base that is given as a whole, to begin with. */
const WHOLE = 20_000;

export function RetrievalForm({ value, technique, embedding, onChange }: Props) {
  const { t } = useTranslation("knowledge");
  const format = useFormat();
  const ranking = rankingOf(value);
  const vector = vectorWeight(value);
  const whole = value.full_context_limit ?? null;
  return (
    <div className="kb-form flex flex-col gap-4">
      {technique === "economy" ? (
        <p className="hint">{t("retrieval.economy")}</p>
      ) : (
        <>
          <div className="flex flex-col gap-[5px]">
            <span className="lbl">{t("retrieval.method")}</span>
            <Segmented
              label={t("retrieval.method")}
              value={value.search_method}
              onChange={(method) => onChange(withMethod(value, method))}
              segments={METHODS.map((method) => ({ value: method, label: t(`retrieval.methods.${method}`) }))}
            />
            <span className="hint">{t(`retrieval.about.${value.search_method}`)}</span>
          </div>
          <div className="flex flex-col gap-[5px]">
            <span className="lbl">{t("retrieval.ranking")}</span>
            <Segmented
              label={t("retrieval.ranking")}
              value={ranking}
              onChange={(next) => onChange(withRanking(value, next))}
              segments={rankingsOf(value.search_method).map((each) => ({ value: each, label: t(`retrieval.rankings.${each}`) }))}
            />
            {ranking === "auto" ? <span className="hint">{t("retrieval.autoHint")}</span> : null}
          </div>
          {ranking === "weights" ? (
            <div className="flex flex-col gap-[5px]">
              <span className="lbl">
                {t("retrieval.weight")}
                <span className="ms-auto text-ink-3 font-regular num">
                  {t("retrieval.shares", { vector: Math.round(vector * 100), words: Math.round((1 - vector) * 100) })}
                </span>
              </span>
              <Slider
                label={t("retrieval.weight")}
                min={0}
                max={1}
                step={0.05}
                value={vector}
                onChange={(next) => onChange(withWeight(value, Math.round(next * 100) / 100, embedding))}
              />
            </div>
          ) : null}
          {ranking === "model" ? (
            <ModelSelect
              type="rerank"
              label={t("retrieval.rerankModel")}
              value={
                value.reranking_model?.reranking_model_name
                  ? { provider: value.reranking_model.reranking_provider_name, model: value.reranking_model.reranking_model_name }
                  : undefined
              }
              onChange={(model) => onChange({ ...value, reranking_model: { reranking_provider_name: model.provider, reranking_model_name: model.model } })}
            />
          ) : null}
        </>
      )}
      <div className="grid gap-4" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(170px, 100%), 1fr))" }}>
        <div className="flex flex-col gap-1.5 min-w-0">
          <span className="lbl">
            {t("retrieval.topK")}
            <span className="ms-auto text-ink-3 font-regular num">{format.number(value.top_k)}</span>
          </span>
          <Slider label={t("retrieval.topK")} min={1} max={MAX_TOP_K} step={1} value={value.top_k} onChange={(top_k) => onChange({ ...value, top_k })} />
        </div>
        {technique === "economy" ? null : (
          <div className="flex flex-col gap-1.5 min-w-0">
            <span className="lbl">
              {t("retrieval.threshold")}
              <Switch
                label={t("retrieval.threshold")}
                checked={value.score_threshold_enabled}
                onChange={(on) => onChange({ ...value, score_threshold_enabled: on, score_threshold: value.score_threshold ?? 0.35 })}
              />
              <span className="ms-auto text-ink-3 font-regular num">
                {value.score_threshold_enabled ? (value.score_threshold ?? 0).toFixed(2) : t("retrieval.off")}
              </span>
            </span>
            {value.score_threshold_enabled ? (
              <Slider
                label={t("retrieval.thresholdValue")}
                min={0}
                max={1}
                step={0.01}
                value={value.score_threshold ?? 0}
                onChange={(score_threshold) => onChange({ ...value, score_threshold: Math.round(score_threshold * 100) / 100 })}
              />
            ) : null}
          </div>
        )}
        <div className="flex flex-col gap-1.5 min-w-0">
          <span className="lbl">
            {t("retrieval.neighbours")}
            <span className="ms-auto text-ink-3 font-regular num">{value.neighbours ? format.number(value.neighbours) : t("retrieval.off")}</span>
          </span>
          <Slider
            label={t("retrieval.neighbours")}
            min={0}
            max={5}
            step={1}
            value={value.neighbours ?? 0}
            onChange={(count) => onChange({ ...value, neighbours: count === 0 ? null : count })}
          />
          <span className="hint">{t("retrieval.neighboursHint")}</span>
        </div>
        <div className="flex flex-col gap-1.5 min-w-0">
          <span className="lbl">
            {t("retrieval.whole")}
            <Switch label={t("retrieval.whole")} checked={whole !== null} onChange={(on) => onChange({ ...value, full_context_limit: on ? WHOLE : null })} />
            <span className="ms-auto text-ink-3 font-regular num">{whole === null ? t("retrieval.off") : format.number(whole)}</span>
          </span>
          {whole === null ? null : (
            <Slider
              label={t("retrieval.wholeLimit")}
              min={2000}
              max={200_000}
              step={2000}
              value={Math.min(200_000, whole)}
              onChange={(limit) => onChange({ ...value, full_context_limit: limit })}
            />
          )}
          <span className="hint">{t("retrieval.wholeHint")}</span>
        </div>
      </div>
    </div>
  );
}

/** A length: the slider for the hand, the number for the eye and for exact values. */
export function Length({
  label,
  value,
  unit,
  min,
  max,
  step,
  error,
  onChange,
}: {
  readonly label: string;
  readonly value: number;
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly error?: string | undefined;
  readonly onChange: (value: number) => void;
}) {
  return (
    <div className="flex flex-col gap-[5px] min-w-0">
      <span className="lbl">
        <span className="truncate">{label}</span>
        <span className="ms-auto flex items-center gap-1 text-ink-3 font-regular">
          <Input
            type="number"
            inputMode="numeric"
            className="num kb-number"
            aria-label={label}
            aria-invalid={error ? true : undefined}
            min={min}
            max={max}
            value={Number.isFinite(value) ? String(value) : ""}
            onChange={(event) => onChange(event.target.value === "" ? Number.NaN : Number(event.target.value))}
          />
          {unit}
        </span>
      </span>
      <Slider label={label} min={min} max={max} step={step} value={Math.min(max, Math.max(min, Number.isFinite(value) ? value : min))} onChange={onChange} />
      {error ? (
        <div className="wrong" role="alert">
          {error}
        </div>
      ) : null}
    </div>
  );
}
