/** Parts of the policies: a number that may be missing, one model, and lists of things. */
import { useQueries } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import type { ReactNode } from "react";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { modelsOfType } from "../../../data/models";
import { inLanguage } from "../../../lib/format";
import { Button, IconButton } from "../../../ui/Button";
import { Field } from "../../../ui/Field";
import { Input } from "../../../ui/Input";
import { Select, type SelectOption } from "../../../ui/Select";
import { Switch } from "../../../ui/Switch";
import { numberOf } from "./policies";

const LLM = ["llm"] as const;
/** Every kind of model that is asked for somebody. */
export const ALL_TYPES = ["llm", "text-embedding", "rerank", "tts", "speech2text", "moderation"] as const;

/** The models that can be asked, by their whole names; those in use that are gone stay in the list. */
export function useModels(used: readonly string[] = [], types: readonly string[] = LLM): readonly SelectOption[] {
  const { i18n } = useTranslation();
  const groups = useQueries({ queries: types.map((type) => modelsOfType(type)) }).flatMap((query) => query.data?.data ?? []);
  const all = groups.flatMap((group) =>
    group.models.map((model) => ({
      value: `${group.provider}/${model.model}`,
      label: `${model.model} · ${inLanguage(group.label, i18n.language) || group.provider}`,
    })),
  );
  // A model of two kinds is one model here.
  const offered = all.filter((one, at) => all.findIndex((other) => other.value === one.value) === at);
  const lost = used.filter((name) => name !== "" && !offered.some((one) => one.value === name)).map((name) => ({ value: name, label: name }));
  return [...offered, ...lost];
}

interface NumberProps {
  readonly label: string;
  readonly hint?: string;
  readonly value: number | null;
  readonly onChange: (value: number | null) => void;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  /** Nothing is not an answer. */
  readonly required?: boolean;
  readonly placeholder?: string;
}

export function NumberField({ label, hint, value, onChange, min, max, step = 1, required, placeholder }: NumberProps) {
  return (
    <Field label={label} hint={hint}>
      <Input
        type="number"
        className="num"
        min={min}
        max={max}
        step={step}
        required={required ?? false}
        {...(placeholder ? { placeholder } : {})}
        value={value === null ? "" : String(value)}
        onChange={(event) => onChange(numberOf(event.target.value))}
      />
    </Field>
  );
}

export function ModelField({ label, hint, value, onChange }: { label: string; hint?: string; value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation("policies");
  const options = useModels([value]);
  return (
    <Field label={label} hint={hint}>
      <Select value={value} onChange={onChange} options={options} placeholder={t("choose")} />
    </Field>
  );
}

interface ListProps {
  readonly label: string;
  readonly hint?: string;
  readonly value: readonly string[];
  readonly onChange: (value: readonly string[]) => void;
  readonly options: readonly SelectOption[];
  /** What an empty list means. */
  readonly empty?: string;
}

/** Some of several things, each once. */
export function ListField({ label, hint, value, onChange, options, empty }: ListProps) {
  const { t } = useTranslation("policies");
  const id = useId();
  const named = (one: string) => options.find((option) => option.value === one)?.label ?? one;
  const left = options.filter((option) => !value.includes(option.value));
  return (
    <section className="flex flex-col gap-[5px] min-w-0" aria-labelledby={id}>
      <span className="lbl" id={id}>
        {label}
      </span>
      <div className="flex items-center gap-1.5 flex-wrap">
        {value.length === 0 && empty ? <span className="text-ink-3">{empty}</span> : null}
        {value.map((one) => (
          <span key={one} className="inline-flex items-center gap-1 ps-2 border border-line-1 rounded-md max-w-full">
            <span className="truncate">{named(one)}</span>
            <IconButton size="sm" icon={X} label={t("takeOut", { name: named(one) })} onClick={() => onChange(value.filter((other) => other !== one))} />
          </span>
        ))}
      </div>
      {left.length > 0 ? (
        <Select aria-label={t("addTo", { list: label })} value="" onChange={(one) => onChange([...value, one])} options={left} placeholder={t("add")} />
      ) : null}
      {hint ? <span className="hint">{hint}</span> : null}
    </section>
  );
}

/** All models, or some. */
export function ModelsField({
  label,
  all,
  value,
  onChange,
  types,
}: {
  label: string;
  all: string;
  value: readonly string[] | null;
  onChange: (value: readonly string[] | null) => void;
  types?: readonly string[];
}) {
  const options = useModels(value ?? [], types);
  return (
    <div className="flex flex-col gap-2">
      <div className="flex items-center gap-2.5">
        <Switch checked={value === null} label={all} onChange={(isAll) => onChange(isAll ? null : [])} />
        <span>{all}</span>
      </div>
      {value ? <ListField label={label} value={value} onChange={onChange} options={options} /> : null}
    </div>
  );
}

interface CardProps {
  readonly title: string;
  readonly text: string;
  /** Adds a row. */
  readonly add?: { readonly label: string; readonly onClick: () => void } | undefined;
  readonly children?: ReactNode;
}

/** One kind of policy. */
export function PolicyCard({ title, text, add, children }: CardProps) {
  const id = useId();
  return (
    <section className="card p-4 flex flex-col gap-4" aria-labelledby={id}>
      <header className="flex items-start gap-3 flex-wrap">
        <div className="flex-1 min-w-[220px]">
          <h2 id={id} className="font-semibold">
            {title}
          </h2>
          <p className="text-ink-2">{text}</p>
        </div>
        {add ? (
          <Button size="sm" icon={Plus} onClick={add.onClick}>
            {add.label}
          </Button>
        ) : null}
      </header>
      {children}
    </section>
  );
}
