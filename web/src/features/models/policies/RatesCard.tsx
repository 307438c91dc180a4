/** How much may be asked of models in a minute and at the same time, and which calls are made twice. */
import { Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Policies, RatePolicy } from "../../../data/policies";
import { IconButton } from "../../../ui/Button";
import { Field } from "../../../ui/Field";
import { Select } from "../../../ui/Select";
import { ALL_TYPES, NumberField, PolicyCard, useModels } from "./fields";
import { newRate, replaced, without } from "./policies";

/** Stands for all models: a list has no empty choice. */
const ALL = "*";

export function RatesCard({ rates, onChange }: { rates: readonly RatePolicy[]; onChange: (rates: readonly RatePolicy[]) => void }) {
  const { t } = useTranslation("policies");
  const options = [
    { value: ALL, label: t("rates.all") },
    ...useModels(
      rates.flatMap((rate) => rate.model ?? []),
      ALL_TYPES,
    ),
  ];
  return (
    <PolicyCard title={t("rates.title")} text={t("rates.text")} add={{ label: t("rates.add"), onClick: () => onChange([...rates, newRate()]) }}>
      {rates.length > 0 ? (
        <ul className="flex flex-col gap-4">
          {rates.map((rate, at) => {
            const change = (part: Partial<RatePolicy>) => onChange(replaced(rates, at, { ...rate, ...part }));
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: new ones have no id yet
              <li key={at} className="border border-line-1 rounded-md p-3 flex flex-col gap-3">
                <div className="flex items-end gap-2">
                  <div className="flex-1 min-w-0">
                    <Field label={t("model")}>
                      <Select value={rate.model ?? ALL} onChange={(model) => change({ model: model === ALL ? null : model })} options={options} />
                    </Field>
                  </div>
                  <IconButton icon={Trash2} label={t("rates.remove", { count: at + 1 })} onClick={() => onChange(without(rates, at))} />
                </div>
                <div className="grid gap-4 grid-cols-2 md:grid-cols-4">
                  <NumberField
                    label={t("rates.requests")}
                    value={rate.requests_per_minute}
                    min={1}
                    max={1_000_000}
                    placeholder={t("unlimited")}
                    onChange={(requests_per_minute) => change({ requests_per_minute })}
                  />
                  <NumberField
                    label={t("rates.tokens")}
                    value={rate.tokens_per_minute}
                    min={1}
                    max={1_000_000_000}
                    placeholder={t("unlimited")}
                    onChange={(tokens_per_minute) => change({ tokens_per_minute })}
                  />
                  <NumberField
                    label={t("rates.concurrent")}
                    value={rate.concurrent}
                    min={1}
                    max={200}
                    placeholder={t("unlimited")}
                    onChange={(concurrent) => change({ concurrent })}
                  />
                  <NumberField
                    label={t("rates.wait")}
                    value={rate.wait_seconds}
                    min={0}
                    max={60}
                    required
                    onChange={(seconds) => change({ wait_seconds: seconds ?? 0 })}
                  />
                </div>
              </li>
            );
          })}
        </ul>
      ) : null}
    </PolicyCard>
  );
}

type Hedging = Policies["hedging"];

export function HedgeCard({ hedging, onChange }: { hedging: Hedging; onChange: (hedging: Hedging) => void }) {
  const { t } = useTranslation("policies");
  const models = useModels(hedging.models.map((one) => one.model));
  const free = models.find((option) => !hedging.models.some((one) => one.model === option.value));
  const add = free
    ? { label: t("hedge.add"), onClick: () => onChange({ ...hedging, models: [...hedging.models, { model: free.value, after_ms: null }] }) }
    : undefined;
  return (
    <PolicyCard title={t("hedge.title")} text={t("hedge.text")} add={add}>
      {hedging.models.length > 0 ? (
        <>
          <ul className="flex flex-col gap-3">
            {hedging.models.map((one, at) => {
              const change = (part: Partial<typeof one>) => onChange({ ...hedging, models: replaced(hedging.models, at, { ...one, ...part }) });
              const others = models.filter((option) => option.value === one.model || !hedging.models.some((other) => other.model === option.value));
              return (
                <li key={one.model} className="grid gap-3 items-end md:grid-cols-[1fr_220px_auto]">
                  <Field label={t("model")}>
                    <Select value={one.model} onChange={(model) => change({ model })} options={others} />
                  </Field>
                  <NumberField
                    label={t("hedge.after")}
                    value={one.after_ms}
                    min={10}
                    max={60_000}
                    placeholder={t("hedge.learnt")}
                    onChange={(after_ms) => change({ after_ms })}
                  />
                  <IconButton
                    icon={Trash2}
                    label={t("remove", { name: one.model })}
                    onClick={() => onChange({ ...hedging, models: without(hedging.models, at) })}
                  />
                </li>
              );
            })}
          </ul>
          <div className="max-w-[260px]">
            <NumberField
              label={t("hedge.percent")}
              hint={t("hedge.percentHint")}
              value={hedging.max_percent}
              min={1}
              max={50}
              required
              onChange={(percent) => onChange({ ...hedging, max_percent: percent ?? 0 })}
            />
          </div>
        </>
      ) : null}
    </PolicyCard>
  );
}
