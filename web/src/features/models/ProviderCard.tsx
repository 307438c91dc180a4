import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ChevronDown, ChevronRight, KeyRound, Plus, Route, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import {
  defaultModel,
  deleteCredential,
  deleteModel,
  enableModel,
  type Model,
  type Provider,
  perMillion,
  providerModels,
  switchCredential,
} from "../../data/models";
import { useRights } from "../../data/session";
import { inLanguage, useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Badge } from "../../ui/Marks";
import { ProviderTile } from "../../ui/ProviderTile";
import { Switch } from "../../ui/Switch";
import { Tip } from "../../ui/Tip";
import { CredentialDialog } from "./CredentialDialog";
import { FailedKeys, KeyState, ProviderState } from "./ProviderState";
import { KeyLoad, LastCall, ProviderUse, UsedBy, UsedByHead } from "./ProviderUse";
import { forgetTest } from "./providerTests";
import { RoutesDialog } from "./RoutesDialog";

type Credential = NonNullable<Provider["custom_configuration"]["available_credentials"]>[number];

const COLUMNS = { gridTemplateColumns: "minmax(160px, 1.4fr) 84px minmax(110px, 1fr) 64px 130px 84px 84px" };

export function ProviderCard({
  provider,
  connected,
  open: startOpen,
  onConnect,
}: {
  provider: Provider;
  connected: boolean;
  open: boolean;
  onConnect: () => void;
}) {
  const { t, i18n } = useTranslation("models");
  const rights = useRights();
  const [open, setOpen] = useState(startOpen);
  const [adding, setAdding] = useState<"key" | "model">();
  const name = inLanguage(provider.label, i18n.language) || provider.provider;
  const keys = provider.custom_configuration.available_credentials ?? [];
  const asksKey = (provider.provider_credential_schema?.credential_form_schemas.length ?? 0) > 0;
  const modelsHaveKeys = !asksKey && provider.needs_credentials !== false && provider.configurate_methods.includes("customizable-model");
  const Fold = open ? ChevronDown : ChevronRight;
  return (
    <section className="card overflow-hidden" aria-label={name}>
      <header className="flex items-center gap-3 px-3 min-h-[53px] py-1.5 max-md:flex-wrap">
        {connected ? (
          <IconButton size="sm" icon={Fold} label={t(open ? "fold" : "unfold", { name })} aria-expanded={open} onClick={() => setOpen(!open)} />
        ) : null}
        <ProviderTile name={name} size="lg" />
        <div className="flex-1 min-w-0 max-md:basis-1/2">
          <div className="flex items-center gap-2 min-w-0">
            <span className="font-semibold truncate">{name}</span>
            {provider.untested ? (
              <Tip text={t("untestedText")}>
                <span>
                  <Badge tone="line">{t("untested")}</Badge>
                </span>
              </Tip>
            ) : null}
          </div>
          <div className="text-12 text-ink-3 truncate">
            {connected
              ? keys.length > 0
                ? t("keys", { count: keys.length })
                : t(modelsHaveKeys ? "modelKeys" : "noKey")
              : inLanguage(provider.description, i18n.language) ||
                provider.supported_model_types.map((type) => t(`typeName.${type}`, { defaultValue: type })).join(" · ")}
            {connected ? <LastCall provider={provider.provider} /> : null}
          </div>
        </div>
        {connected ? (
          <>
            <ProviderUse provider={provider.provider} name={name} />
            <ProviderState provider={provider} name={name} />
            {rights.admin && provider.configurate_methods.includes("customizable-model") ? (
              <Button icon={Plus} onClick={() => setAdding("model")}>
                {t("addModel")}
              </Button>
            ) : null}
            {rights.admin && asksKey ? <Button onClick={() => setAdding("key")}>{t("addKey")}</Button> : null}
          </>
        ) : rights.admin ? (
          <Button onClick={onConnect}>{t("connect")}</Button>
        ) : null}
      </header>
      {connected ? <FailedKeys provider={provider.provider} /> : null}
      {connected && open ? <Inside provider={provider} keys={keys} /> : null}
      {adding ? <CredentialDialog provider={provider} model={adding === "model"} onClose={() => setAdding(undefined)} /> : null}
    </section>
  );
}

function Inside({ provider, keys }: { provider: Provider; keys: readonly Credential[] }) {
  const { t } = useTranslation("models");
  const { t: c } = useTranslation();
  const models = useQuery(providerModels(provider.provider));
  return (
    <div className="border-t border-line-1">
      {models.error ? <div className="wrong p-3">{messageOf(models.error)}</div> : null}
      {models.data?.data.length === 0 ? <p className="hint px-4 py-3">{t("noModels")}</p> : null}
      {models.isPending ? <p className="hint px-4 py-3">{c("common.loading")}</p> : null}
      {models.data && models.data.data.length > 0 ? (
        <div role="table" aria-label={t("col.model")}>
          <div role="row" className="th ps-14 pe-4 bg-surface-2" style={COLUMNS}>
            <span role="columnheader">{t("col.model")}</span>
            <span role="columnheader">{t("col.type")}</span>
            <span role="columnheader">{t("col.can")}</span>
            <span role="columnheader" className="text-end">
              {t("col.context")}
            </span>
            <span role="columnheader" className="text-end">
              {t("col.price")}
            </span>
            <span role="columnheader">
              <UsedByHead />
            </span>
            <span role="columnheader" className="text-end">
              {t("col.on")}
            </span>
          </div>
          {models.data.data.map((model) => (
            <ModelRow key={`${model.model_type}/${model.model}`} provider={provider} model={model} />
          ))}
        </div>
      ) : null}
      {keys.map((key) => (
        <KeyRow key={key.credential_id} provider={provider} credential={key} />
      ))}
    </div>
  );
}

function ModelRow({ provider, model }: { provider: Provider; model: Model }) {
  const { t, i18n } = useTranslation("models");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const rights = useRights();
  const standard = useQuery(defaultModel(model.model_type)).data?.data;
  const failed = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const again = () => client.invalidateQueries({ queryKey: ["models"] });
  const toggle = useMutation({ mutationFn: (on: boolean) => enableModel(provider.provider, model, on), onSuccess: again, onError: failed });
  const [deleting, setDeleting] = useState(false);
  const [routing, setRouting] = useState(false);
  const drop = useMutation({
    mutationFn: () => deleteModel(provider.provider, model),
    onSuccess: () => {
      forgetTest(provider.provider);
      return again();
    },
    onError: failed,
    onSettled: () => setDeleting(false),
  });
  const features = [...new Set((model.features ?? []).map((key) => t(`features.${key}`, { defaultValue: key })))];
  const size = model.model_properties.context_size;
  const name = inLanguage(model.label, i18n.language) || model.model;
  const format = useFormat();
  const price = perMillion(model.pricing);
  const custom = model.fetch_from === "customizable-model";
  return (
    <div role="row" className="td ps-14 pe-4" style={{ ...COLUMNS, minHeight: 33 }}>
      <span role="cell" className="flex items-center gap-2 min-w-0">
        <span className="font-medium truncate">{name}</span>
        {standard?.model === model.model && standard.provider.provider === provider.provider ? <Badge tone="acc">{t("default")}</Badge> : null}
        {custom ? <Badge>{t("custom")}</Badge> : null}
        {model.load_balancing_enabled ? <Badge>{t("routes.balanced")}</Badge> : null}
        {custom && rights.admin ? (
          <IconButton size="sm" icon={Trash2} label={t("deleteModel", { name })} busy={drop.isPending} onClick={() => setDeleting(true)} />
        ) : null}
        <Confirm
          open={deleting}
          title={t("deleteModelTitle", { name })}
          text={t("deleteModelText")}
          confirm={c("common.delete")}
          cancel={c("common.keep")}
          busy={drop.isPending}
          onClose={() => setDeleting(false)}
          onConfirm={() => drop.mutate()}
        />
      </span>
      <span role="cell" className="text-ink-2">
        {t(`typeName.${model.model_type}`, { defaultValue: model.model_type })}
      </span>
      <span role="cell" className="flex flex-wrap gap-1 py-1">
        {features.map((feature) => (
          <Badge key={feature}>{feature}</Badge>
        ))}
      </span>
      <span role="cell" className="num text-end text-ink-2">
        {size ? new Intl.NumberFormat("en", { notation: "compact" }).format(size) : "–"}
      </span>
      <span role="cell" className="num text-end text-ink-2 whitespace-nowrap">
        {price ? `${format.money(price.input, price.currency)}${price.output === undefined ? "" : ` / ${format.money(price.output, price.currency)}`}` : "–"}
      </span>
      <span role="cell" className="text-ink-2">
        <UsedBy provider={provider.provider} model={model.model} />
      </span>
      <span role="cell" className="flex items-center justify-end gap-1.5">
        {rights.admin && model.status === "active" ? (
          <IconButton size="sm" icon={Route} label={t("routes.open", { name })} onClick={() => setRouting(true)} />
        ) : null}
        {routing ? <RoutesDialog provider={provider} model={model} onClose={() => setRouting(false)} /> : null}
        <Switch
          checked={toggle.isPending ? (toggle.variables ?? true) : model.status !== "disabled"}
          disabled={!rights.admin}
          label={t("enable", { name })}
          onChange={(on) => toggle.mutate(on)}
        />
      </span>
    </div>
  );
}

function KeyRow({ provider, credential }: { provider: Provider; credential: Credential }) {
  const { t } = useTranslation("models");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const rights = useRights();
  const [doing, setDoing] = useState<"change" | "delete">();
  const active = provider.custom_configuration.current_credential_id === credential.credential_id;
  const failed = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const again = () => client.invalidateQueries({ queryKey: ["models"] });
  const use = useMutation({ mutationFn: () => switchCredential(provider.provider, credential.credential_id), onSuccess: again, onError: failed });
  const drop = useMutation({
    mutationFn: () => deleteCredential(provider.provider, credential.credential_id),
    onSuccess: () => {
      forgetTest(provider.provider);
      setDoing(undefined);
      toast(t("removed", { name: credential.credential_name }));
      return again();
    },
    onError: failed,
  });
  return (
    <div className="flex items-center gap-2 ps-14 pe-3 min-h-9 bg-surface-2 border-t border-line-1 max-md:flex-wrap max-md:ps-4 max-md:py-1.5">
      <KeyRound size={14} strokeWidth={1.9} className="text-ink-3" aria-hidden />
      <span className="font-medium min-w-0 truncate" title={credential.credential_name}>
        {credential.credential_name}
      </span>
      {active ? <Badge>{t("inUse")}</Badge> : null}
      <KeyState provider={provider.provider} id={credential.credential_id} />
      <KeyLoad provider={provider.provider} id={credential.credential_id} name={credential.credential_name} />
      <div className="flex-1" />
      {rights.admin ? (
        <>
          {active ? null : (
            <Button size="sm" busy={use.isPending} onClick={() => use.mutate()}>
              {t("useKey")}
            </Button>
          )}
          <Button size="sm" kind="quiet" onClick={() => setDoing("change")}>
            {t("editKey")}
          </Button>
          <Button size="sm" kind="quiet" onClick={() => setDoing("delete")}>
            {t("deleteKey")}
          </Button>
        </>
      ) : null}
      {doing === "change" ? <CredentialDialog provider={provider} credential={credential} onClose={() => setDoing(undefined)} /> : null}
      <Confirm
        open={doing === "delete"}
        title={t("deleteKeyTitle", { name: credential.credential_name })}
        text={t("deleteKeyText")}
        confirm={c("common.delete")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setDoing(undefined)}
        onConfirm={() => drop.mutate()}
      />
    </div>
  );
}
