/** The model of a node and its parameters, from the provider's own rules. */
import { useQuery } from "@tanstack/react-query";
import { ChevronDown, SlidersHorizontal } from "lucide-react";
import { type KeyboardEvent, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { inLanguage, listModels, type Model, type ModelProvider, parameterRules } from "../api";
import type { ModelChoice } from "../nodes/schema";
import { IconButton, Wrong } from "../parts/controls";
import { Popover } from "../parts/popover";
import { useStudio } from "../store/studio";
import { ParameterForm } from "./ParameterForm";

interface Props {
  readonly value: ModelChoice;
  readonly onChange: (value: ModelChoice) => void;
  /** What the model is for; asking and answering if it is not said. */
  readonly type?: "llm" | "rerank";
  readonly label?: string;
}

const SHOWN_FEATURES = ["vision", "tool-call", "structured-output", "document", "audio", "video"];

export function useModels(type: "llm" | "rerank" = "llm") {
  const owner = useStudio((s) => s.owner);
  return useQuery({ queryKey: ["models", type, owner], queryFn: () => listModels(type, owner), staleTime: 60_000 });
}

/** Old files name a provider by its last part; both forms are the same provider. */
function sameProvider(a: string, b: string): boolean {
  return a === b || a.split("/").at(-1) === b.split("/").at(-1);
}

export function ModelField({ value, onChange, type = "llm", label }: Props) {
  const { t, i18n } = useTranslation("studio");
  const { data: providers, isPending, error } = useModels(type);
  const [at, setAt] = useState<{ x: number; y: number; flipTo: number }>();
  const [parameters, setParameters] = useState(false);
  const provider = providers?.find((p) => sameProvider(p.provider, value.provider));
  const model = provider?.models.find((m) => m.model === value.name);
  const context = model?.model_properties?.context_size;
  return (
    <div className="st-col">
      <div className="st-between">
        <span className="st-label">{label ?? t("model.label")}</span>
        <span className="st-meta st-num">{context ? t("model.context", { size: new Intl.NumberFormat(i18n.language, { notation: "compact" }).format(context) }) : ""}</span>
      </div>
      <div className="st-row">
        <button
          type="button"
          className="st-pick"
          aria-haspopup="listbox"
          aria-expanded={at !== undefined}
          aria-label={value.name ? t("model.chosen", { name: value.name }) : t("model.choose")}
          onClick={(e) => {
            const box = e.currentTarget.getBoundingClientRect();
            setAt({ x: box.left, y: box.bottom + 4, flipTo: box.top - 4 });
          }}
        >
          {value.name ? <span className="st-tile sm st-cat-flow">{(value.provider.split("/").at(-1) ?? "?").slice(0, 1).toUpperCase()}</span> : null}
          <span className="st-clip st-field-name">{value.name ? (inLanguage(model?.label, i18n.language) || value.name) : t("model.choose")}</span>
          {model?.features.filter((f) => f === "vision" || f === "tool-call").map((f) => <span key={f} className="st-badge">{t(`model.features.${f}`)}</span>)}
          <ChevronDown size={14} strokeWidth={1.9} aria-hidden />
        </button>
        {type === "llm" ? <IconButton label={t("model.parameters")} icon={SlidersHorizontal} aria-expanded={parameters} disabled={!value.name} onClick={() => setParameters((now) => !now)} /> : null}
      </div>
      {value.name && providers && !model ? <Wrong>{t("model.missing", { name: value.name, provider: value.provider })}</Wrong> : null}
      {model?.refused ? <Wrong>{t(`model.refused.${model.refused.by}`, { defaultValue: model.refused.message })}</Wrong> : null}
      {error ? <Wrong>{t("model.listFailed", { message: error.message })}</Wrong> : null}
      {parameters && value.name ? <Parameters value={value} onChange={onChange} /> : null}
      {at ? (
        <ModelList
          at={at}
          providers={providers ?? []}
          pending={isPending}
          onClose={() => setAt(undefined)}
          onChoose={(p, m) => {
            setAt(undefined);
            onChange({ ...value, provider: p.provider, name: m.model, mode: m.model_properties?.mode ?? "chat" });
          }}
        />
      ) : null}
    </div>
  );
}

function Parameters({ value, onChange }: Props) {
  const { t } = useTranslation("studio");
  const { data: rules, isPending, error } = useQuery({
    queryKey: ["parameter-rules", value.provider, value.name],
    queryFn: () => parameterRules(value.provider, value.name),
    staleTime: 300_000,
  });
  if (error) return <Wrong>{t("model.rulesFailed", { message: error.message })}</Wrong>;
  if (isPending) return <div className="st-hint">{t("common.loading")}</div>;
  if (rules.length === 0) return <div className="st-hint">{t("model.noParameters")}</div>;
  return <ParameterForm rules={rules} values={value.completion_params} onChange={(completion_params) => onChange({ ...value, completion_params })} />;
}

interface ListProps {
  readonly at: { x: number; y: number; flipTo: number };
  readonly providers: readonly ModelProvider[];
  readonly pending: boolean;
  readonly onClose: () => void;
  readonly onChoose: (provider: ModelProvider, model: Model) => void;
}

function ModelList({ at, providers, pending, onClose, onChoose }: ListProps) {
  const { t, i18n } = useTranslation("studio");
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const rows = useMemo(() => {
    const needle = query.trim().toLocaleLowerCase();
    return providers.flatMap((provider) =>
      provider.models
        .filter((model) => `${provider.provider} ${model.model} ${inLanguage(model.label, i18n.language)}`.toLocaleLowerCase().includes(needle))
        .map((model) => ({ provider, model })),
    );
  }, [providers, query, i18n.language]);
  const keys = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setActive((now) => (now + step + rows.length) % Math.max(1, rows.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      const row = rows[active];
      if (row && row.model.status === "active") onChoose(row.provider, row.model);
    }
  };
  let group = "";
  return (
    <Popover at={at} className="st-vars" label={t("model.choose")} onClose={onClose} onKeyDown={keys}>
      <div className="st-palette-search">
        <input aria-label={t("model.search")} placeholder={t("model.search")} value={query} onChange={(e) => { setQuery(e.target.value); setActive(0); }} />
      </div>
      <div className="st-vars-list" role="listbox" aria-label={t("model.choose")}>
        {rows.length === 0 ? <div className="st-empty">{pending ? t("common.loading") : query ? t("variables.noMatch", { query }) : t("model.none")}</div> : null}
        {rows.map(({ provider, model }, i) => {
          const heading = provider.provider === group ? undefined : inLanguage(provider.label, i18n.language) || provider.provider;
          group = provider.provider;
          const usable = model.status === "active";
          return (
            <div key={`${provider.provider}/${model.model}`}>
              {heading ? <div className="st-palette-group">{heading}</div> : null}
              <button type="button" role="option" aria-selected={i === active} aria-disabled={!usable} tabIndex={-1} className="st-option" data-active={i === active} title={model.refused?.message} onPointerMove={() => setActive(i)} onClick={() => usable && onChoose(provider, model)}>
                <span className="st-grow st-clip">{inLanguage(model.label, i18n.language) || model.model}</span>
                {usable ? model.features.filter((f) => SHOWN_FEATURES.includes(f)).slice(0, 2).map((f) => <span key={f} className="st-badge">{t(`model.features.${f}`, { defaultValue: f })}</span>) : <span className="st-badge bad">{t(`model.status.${model.status}`, { defaultValue: model.status })}</span>}
              </button>
            </div>
          );
        })}
      </div>
    </Popover>
  );
}
