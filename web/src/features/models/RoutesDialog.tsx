/** What happens when a model does not answer: keys among which its calls are spread, and models that stand in. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowDown, ArrowUp, X } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  type BalancedKey,
  type Fallback,
  fallbacksOf,
  type Model,
  modelKeys,
  modelsOfType,
  type Provider,
  sameProvider,
  saveBalancing,
  saveFallbacks,
} from "../../data/models";
import { inLanguage } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Badge } from "../../ui/Marks";
import { Select } from "../../ui/Select";
import { Switch } from "../../ui/Switch";
import { keyRows, moved } from "./routes";

interface Props {
  readonly provider: Provider;
  readonly model: Model;
  readonly onClose: () => void;
}

export function RoutesDialog({ provider, model, onClose }: Props) {
  const { t } = useTranslation("models");
  const { t: c } = useTranslation();
  const keys = useQuery(modelKeys(provider.provider, model));
  const fallbacks = useQuery(fallbacksOf(provider.provider, model));
  const error = keys.error ?? fallbacks.error;
  if (keys.data && fallbacks.data) {
    const stored = model.fetch_from === "customizable-model" ? keys.data.available_credentials : (provider.custom_configuration.available_credentials ?? []);
    const rows = keyRows(keys.data.load_balancing.configs, stored);
    return (
      <RoutesForm provider={provider} model={model} onClose={onClose} spread={keys.data.load_balancing.enabled} rows={rows} chain={fallbacks.data.fallbacks} />
    );
  }
  return (
    <Dialog open title={t("routes.title", { name: model.model })} closeLabel={c("common.close")} onClose={onClose}>
      {error ? <div className="wrong">{messageOf(error)}</div> : <p className="hint">{c("common.loading")}</p>}
    </Dialog>
  );
}

interface FormProps extends Props {
  readonly spread: boolean;
  readonly rows: readonly BalancedKey[];
  readonly chain: readonly Fallback[];
}

function RoutesForm({ provider, model, onClose, spread: wasSpread, rows: before, chain: chainBefore }: FormProps) {
  const { t } = useTranslation("models");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const form = useId();
  const [spread, setSpread] = useState(wasSpread);
  const [rows, setRows] = useState(before);
  const [chain, setChain] = useState(chainBefore);
  const standsIn = model.model_type !== "text-embedding";
  const on = rows.filter((row) => row.enabled);
  const tooFew = spread && on.length < 2;
  const save = useMutation({
    mutationFn: async () => {
      if (before.length > 1) await saveBalancing(provider.provider, model, spread, rows);
      if (standsIn) await saveFallbacks(provider.provider, model, chain);
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["models"] });
      onClose();
    },
  });
  return (
    <Dialog
      open
      title={t("routes.title", { name: model.model })}
      about={t("routes.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form} busy={save.isPending} disabled={tooFew}>
            {t("form.save")}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-5"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <section aria-label={t("routes.keys")} className="flex flex-col gap-2">
          <div className="flex items-center gap-2.5">
            <Switch checked={spread} disabled={before.length < 2} label={t("routes.spread")} onChange={setSpread} />
            <span className="font-medium">{t("routes.spread")}</span>
          </div>
          <p className="hint">{t(before.length < 2 ? "routes.oneKey" : "routes.spreadHint")}</p>
          {before.length > 1 ? (
            <ul className="border border-line-1 rounded-md divide-y divide-line-1" style={{ opacity: spread ? 1 : 0.6 }}>
              {rows.map((row) => (
                <li key={row.id ?? row.credential_id ?? row.name} className="flex items-center gap-2 px-3 min-h-9">
                  <span className="flex-1 min-w-0 truncate">{row.name}</span>
                  {row.in_cooldown ? <Badge tone="warn">{t("routes.rests", { count: row.ttl ?? 0 })}</Badge> : null}
                  <Switch
                    checked={row.enabled}
                    disabled={!spread}
                    label={t("routes.useKey", { name: row.name })}
                    onChange={(enabled) => setRows(rows.map((each) => (each === row ? { ...each, enabled } : each)))}
                  />
                </li>
              ))}
            </ul>
          ) : null}
          {tooFew ? <p className="wrong">{t("routes.tooFew")}</p> : null}
        </section>
        {standsIn ? <Chain provider={provider} model={model} chain={chain} onChange={setChain} /> : <p className="hint">{t("routes.noStandIn")}</p>}
        {save.error ? <div className="wrong">{messageOf(save.error)}</div> : null}
      </form>
    </Dialog>
  );
}

function Chain({
  provider,
  model,
  chain,
  onChange,
}: {
  provider: Provider;
  model: Model;
  chain: readonly Fallback[];
  onChange: (chain: readonly Fallback[]) => void;
}) {
  const { t, i18n } = useTranslation("models");
  const groups = useQuery(modelsOfType(model.model_type)).data?.data ?? [];
  const isTaken = (id: string, name: string) =>
    (sameProvider(id, provider.provider) && name === model.model) || chain.some((one) => sameProvider(one.provider, id) && one.model === name);
  const options = groups.flatMap((group) =>
    group.models
      .filter((each) => !isTaken(group.provider, each.model))
      .map((each) => ({ value: `${group.provider}\n${each.model}`, label: `${each.model} · ${inLanguage(group.label, i18n.language) || group.provider}` })),
  );
  const add = (value: string) => {
    const [id, name] = value.split("\n");
    if (id && name) onChange([...chain, { provider: id, model: name }]);
  };
  return (
    <section aria-label={t("routes.chain")} className="flex flex-col gap-2">
      <h3 className="font-medium">{t("routes.chain")}</h3>
      <p className="hint">{t("routes.chainHint")}</p>
      {chain.length > 0 ? (
        <ol className="border border-line-1 rounded-md divide-y divide-line-1">
          {chain.map((one, at) => (
            <li key={`${one.provider}/${one.model}`} className="flex items-center gap-1.5 px-3 min-h-9">
              <span className="num text-ink-3">{at + 1}</span>
              <span className="flex-1 min-w-0 truncate">
                {one.model} <span className="text-ink-3">{one.provider.split("/").at(-1)}</span>
              </span>
              <IconButton
                size="sm"
                icon={ArrowUp}
                label={t("routes.earlier", { name: one.model })}
                disabled={at === 0}
                onClick={() => onChange(moved(chain, at, -1))}
              />
              <IconButton
                size="sm"
                icon={ArrowDown}
                label={t("routes.later", { name: one.model })}
                disabled={at === chain.length - 1}
                onClick={() => onChange(moved(chain, at, 1))}
              />
              <IconButton size="sm" icon={X} label={t("routes.remove", { name: one.model })} onClick={() => onChange(chain.filter((each) => each !== one))} />
            </li>
          ))}
        </ol>
      ) : null}
      {chain.length < 5 && options.length > 0 ? (
        <Field label={t("routes.add")}>
          <Select value="" onChange={add} placeholder={t("picker.choose")} options={options} />
        </Field>
      ) : null}
      {options.length === 0 && chain.length === 0 ? <p className="hint">{t("routes.nobody")}</p> : null}
    </section>
  );
}
