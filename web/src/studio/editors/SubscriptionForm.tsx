/** A new subscription: with an API key the plugin makes it; by hand a person tells the provider its address. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CopyButton } from "../parts/CopyButton";
import { Button, SelectField, TextField, Wrong } from "../parts/controls";
import { builderLogs, buildSubscription, createBuilder, type TriggerProvider, type Values, verifyBuilder } from "../triggerProviders";
import { TriggerFields, unset, withDefaults } from "./TriggerFields";

interface Props {
  readonly provider: TriggerProvider;
  readonly onMade: (id: string) => void;
  readonly onClose: () => void;
}

export function SubscriptionForm({ provider, onMade, onClose }: Props) {
  const { t } = useTranslation("studio");
  const methods = provider.supported_creation_methods.filter((m) => m === "APIKEY" || m === "MANUAL");
  const [method, setMethod] = useState<string>(methods[0] ?? "MANUAL");
  const [name, setName] = useState("");
  const [credentials, setCredentials] = useState<Values>({});
  const [settings, setSettings] = useState<Values>({});
  const byKey = method === "APIKEY";
  const keys = byKey ? (provider.subscription_constructor?.credentials_schema ?? []) : [];
  const fields = byKey ? (provider.subscription_constructor?.parameters ?? []) : provider.subscription_schema;
  // The draft has the address before it is built, and is kept for half an hour.
  const draft = useQuery({ queryKey: ["trigger-builder", provider.name, method], retry: false, staleTime: 20 * 60_000, gcTime: 0, queryFn: () => createBuilder(provider.name, byKey ? "api-key" : "unauthorized") });
  const id = draft.data?.id ?? "";
  const logs = useQuery({ queryKey: ["trigger-builder-logs", id], enabled: id !== "" && !byKey, refetchInterval: 5000, retry: false, queryFn: () => builderLogs(provider.name, id) });
  const make = useMutation({
    mutationFn: async () => {
      if (byKey) await verifyBuilder(provider.name, id, withDefaults(keys, credentials));
      const values = withDefaults(fields, settings);
      await buildSubscription(provider.name, id, { name: name.trim(), ...(byKey ? { parameters: values } : { properties: values }) });
    },
    onSuccess: () => onMade(id),
  });
  const lacking = unset(keys, credentials).length + unset(fields, settings).length > 0 || name.trim() === "" || id === "";
  return (
    <fieldset className="st-case" aria-label={t("pluginTrigger.add")}>
      {methods.length > 1 ? (
        <SelectField
          label={t("pluginTrigger.method")}
          value={method}
          options={methods.map((m) => ({ value: m, label: t(`pluginTrigger.methods.${m}`) }))}
          onChange={(next) => {
            setMethod(next);
            setSettings({});
          }}
        />
      ) : null}
      <TextField label={t("pluginTrigger.name")} value={name} onChange={setName} />
      <TriggerFields fields={keys} values={credentials} onChange={(field, value) => setCredentials((now) => ({ ...now, [field]: value }))} />
      <TriggerFields fields={fields} values={settings} onChange={(field, value) => setSettings((now) => ({ ...now, [field]: value }))} />
      {draft.data && !byKey ? (
        <div className="st-field">
          <span className="st-label">{t("pluginTrigger.endpoint")}</span>
          <div className="st-row">
            <input className="st-input mono" readOnly aria-label={t("pluginTrigger.endpoint")} value={draft.data.endpoint} onFocus={(e) => e.target.select()} />
            <CopyButton text={draft.data.endpoint} name={t("pluginTrigger.endpoint")} />
          </div>
          <span className="st-hint">{t("pluginTrigger.endpointHint")}</span>
          <span className="st-hint" role="status">
            {logs.data?.[0] ? t("pluginTrigger.lastRequest", { method: logs.data[0].request.method, status: logs.data[0].response.status_code }) : t("pluginTrigger.noRequest")}
          </span>
        </div>
      ) : null}
      {draft.error ? <Wrong>{draft.error.message}</Wrong> : null}
      {make.error ? <Wrong>{make.error.message}</Wrong> : null}
      <div className="st-row">
        <Button look="primary" size="sm" busy={make.isPending} disabled={lacking} onClick={() => make.mutate()}>
          {t("pluginTrigger.make")}
        </Button>
        <Button look="quiet" size="sm" onClick={onClose}>
          {t("common.cancel")}
        </Button>
      </div>
    </fieldset>
  );
}
