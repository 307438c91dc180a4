/** What happens when a node fails: stop, default values, or its own branch; and how often it tries again. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { FAIL } from "../model/connect";
import type { GraphNode } from "../model/document";
import type { OutputVariable } from "../model/variables";
import { kindOf } from "../nodes/registry";
import { baseShape } from "../nodes/schema";
import { NumberField, SelectField, SwitchRow, TextField } from "../parts/controls";
import { updateNode } from "../store/actions";
import { useStudio } from "../store/studio";

const schema = z.looseObject(baseShape);
const RETRY = { retry_enabled: true, max_retries: 3, retry_interval: 1000 };
const NO_STRATEGY = "none";

type Defaults = { key: string; type: string; value?: unknown }[];

/** Types a default value may have; other outputs have no default. */
const TYPES = ["string", "number", "object", "array[number]", "array[string]", "array[object]", "array[file]"];

function startDefaults(outputs: readonly OutputVariable[]): Defaults {
  const empty = (type: string) => (type === "number" ? 0 : type === "string" ? "" : type === "object" ? "{}" : "[]");
  return outputs.filter((o) => TYPES.includes(o.type) && !o.name.startsWith("error_")).map((o) => ({ key: o.name, type: o.type, value: empty(o.type) }));
}

export function ErrorsTab({ node }: { node: GraphNode }) {
  const { t } = useTranslation("studio");
  const mode = useStudio((s) => s.mode);
  const readOnly = useStudio((s) => s.preview !== undefined);
  const kind = kindOf(node.data.type);
  const data = schema.parse(node.data);
  const strategy = data.error_strategy || NO_STRATEGY;
  const defaults: Defaults = (data.default_value ?? []).map((d) => ({ ...d }));
  const outputs = kind.outputs(node.data, mode);
  const choose = (next: string) => {
    updateNode(node.id, {
      error_strategy: next === NO_STRATEGY ? undefined : next,
      ...(next === "default-value" && defaults.length === 0 ? { default_value: startDefaults(outputs) } : {}),
    });
  };
  const retry = data.retry_config ?? { ...RETRY, retry_enabled: false };
  const putRetry = (patch: Partial<typeof RETRY>) => updateNode(node.id, { retry_config: { ...retry, ...patch } });
  return (
    <fieldset className="st-plain" disabled={readOnly}>
      {kind.retryable ? (
        <section className="st-section">
          <SwitchRow label={t("errors.retry")} note={retry.retry_enabled ? t("errors.retryNote", { count: retry.max_retries, ms: retry.retry_interval }) : ""} checked={retry.retry_enabled} onChange={(retry_enabled) => putRetry(retry_enabled && retry.max_retries === 0 ? { ...RETRY, retry_enabled } : { retry_enabled })} />
          {retry.retry_enabled ? (
            <div className="st-three">
              <NumberField label={t("errors.tries")} min={1} max={10} value={retry.max_retries} onChange={(v) => putRetry({ max_retries: Math.min(10, Math.max(1, Math.round(v ?? 1))) })} />
              <NumberField label={t("errors.interval")} min={100} max={5000} step={100} value={retry.retry_interval} onChange={(v) => putRetry({ retry_interval: Math.min(5000, Math.max(0, Math.round(v ?? 100))) })} />
            </div>
          ) : null}
        </section>
      ) : null}
      {kind.failable ? (
        <section className="st-section">
          <SelectField
            label={t("errors.strategy")}
            hint={t(`errors.hints.${strategy}`, { defaultValue: "" })}
            value={strategy}
            options={[NO_STRATEGY, "default-value", FAIL].map((s) => ({ value: s, label: t(`errors.strategies.${s}`) }))}
            onChange={choose}
          />
          {strategy === "default-value"
            ? defaults.map((row, i) => (
                <DefaultValue key={row.key} name={row.key} type={row.type} value={row.value} onChange={(value) => updateNode(node.id, { default_value: defaults.map((d, j) => (j === i ? { ...d, value } : d)) })} />
              ))
            : null}
        </section>
      ) : null}
    </fieldset>
  );
}

interface DefaultProps {
  readonly name: string;
  readonly type: string;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

function DefaultValue({ name, type, value, onChange }: DefaultProps) {
  const { t } = useTranslation("studio");
  const [wrong, setWrong] = useState(false);
  const label = `${name} · ${t(`types.${type}`, { defaultValue: type })}`;
  if (type === "number") return <NumberField label={label} step="any" value={typeof value === "number" ? value : value ? Number(value) : undefined} onChange={onChange} />;
  const text = typeof value === "string" ? value : JSON.stringify(value ?? "");
  if (type === "string") return <TextField label={label} rows={2} value={text} onChange={onChange} />;
  const change = (next: string) => {
    let ok = false;
    try {
      const parsed: unknown = JSON.parse(next);
      ok = type === "object" ? typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) : Array.isArray(parsed);
    } catch {
      ok = false;
    }
    setWrong(!ok);
    onChange(next);
  };
  return <TextField label={label} mono rows={3} value={text} error={wrong ? t("errors.badJson", { type: t(`types.${type}`) }) : undefined} onChange={change} />;
}
