/** Events of a plugin: which one, its parameters, and the subscription that brings them. */
import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { TriggerFields } from "../editors/TriggerFields";
import { SubscriptionForm } from "../editors/SubscriptionForm";
import type { PanelProps } from "../nodes/kind";
import { type PluginTriggerData, parameterValue } from "../nodes/trigger-plugin";
import { CopyButton } from "../parts/CopyButton";
import { Button, SelectField, Wrong } from "../parts/controls";
import { subscriptions, type TriggerProvider, toldIn, triggerProviders } from "../triggerProviders";

export function PluginTriggerPanel({ data, update }: PanelProps<PluginTriggerData>) {
  const { t, i18n } = useTranslation("studio");
  const providers = useQuery({ queryKey: ["trigger-providers"], retry: false, staleTime: 60_000, queryFn: triggerProviders });
  if (providers.error) return <section className="st-section"><Wrong>{providers.error.message}</Wrong></section>;
  if (!providers.data) return <section className="st-section"><span className="st-hint">{t("common.loading")}</span></section>;
  const provider = providers.data.find((p) => p.name === data.provider_id || p.name === data.provider_name);
  if (!provider) {
    return (
      <section className="st-section">
        <Wrong>{t("pluginTrigger.missing", { plugin: data.plugin_id || data.provider_id || data.provider_name })}</Wrong>
        <span className="st-hint">{t("later.kept")}</span>
      </section>
    );
  }
  const event = provider.events.find((e) => e.name === data.event_name);
  const values = Object.fromEntries(Object.entries(data.event_parameters).map(([name, set]) => [name, parameterValue(set)]));
  return (
    <>
      <section className="st-section">
        <SelectField
          label={t("pluginTrigger.event")}
          value={data.event_name}
          placeholder={t("pluginTrigger.chooseEvent")}
          options={provider.events.map((e) => ({ value: e.name, label: toldIn(e.identity?.label, i18n.language, e.name) }))}
          onChange={(name) => {
            const chosen = provider.events.find((e) => e.name === name);
            update({ event_name: name, event_label: toldIn(chosen?.identity?.label, i18n.language, name), event_parameters: {}, output_schema: (chosen?.output_schema ?? {}) as PluginTriggerData["output_schema"] });
          }}
        />
        {event ? <span className="st-hint">{toldIn(event.description, i18n.language, "")}</span> : null}
      </section>
      <Subscriptions provider={provider} chosen={data.subscription_id} onChoose={(subscription_id) => update({ subscription_id })} />
      {event && event.parameters.length > 0 ? (
        <section className="st-section" aria-label={t("pluginTrigger.parameters")}>
          <span className="st-label">{t("pluginTrigger.parameters")}</span>
          <TriggerFields fields={event.parameters} values={values} onChange={(name, value) => update({ event_parameters: { ...data.event_parameters, [name]: { type: "constant", value } } })} />
        </section>
      ) : null}
    </>
  );
}

interface SubscriptionsProps {
  readonly provider: TriggerProvider;
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
}

function Subscriptions({ provider, chosen, onChoose }: SubscriptionsProps) {
  const { t } = useTranslation("studio");
  const [adding, setAdding] = useState(false);
  const all = useQuery({ queryKey: ["trigger-subscriptions", provider.name], retry: false, queryFn: () => subscriptions(provider.name) });
  const here = all.data?.find((s) => s.id === chosen);
  return (
    <section className="st-section" aria-label={t("pluginTrigger.subscription")}>
      {all.error ? <Wrong>{all.error.message}</Wrong> : null}
      {all.isPending ? <span className="st-hint">{t("common.loading")}</span> : null}
      {all.data && all.data.length > 0 ? (
        <SelectField
          label={t("pluginTrigger.subscription")}
          value={here ? chosen : ""}
          placeholder={t("pluginTrigger.chooseSubscription")}
          error={chosen && !here ? t("pluginTrigger.subscriptionGone") : undefined}
          options={all.data.map((s) => ({ value: s.id, label: s.name }))}
          onChange={onChoose}
        />
      ) : null}
      {all.data?.length === 0 && !adding ? <span className="st-hint">{t("pluginTrigger.noSubscriptions")}</span> : null}
      {here ? (
        <div className="st-row">
          <input className="st-input mono" readOnly aria-label={t("pluginTrigger.endpoint")} value={here.endpoint} onFocus={(e) => e.target.select()} />
          <CopyButton text={here.endpoint} name={t("pluginTrigger.endpoint")} />
        </div>
      ) : null}
      {adding ? (
        <SubscriptionForm
          provider={provider}
          onClose={() => setAdding(false)}
          onMade={(id) => {
            setAdding(false);
            onChoose(id);
            void all.refetch();
          }}
        />
      ) : (
        <Button look="quiet" size="sm" icon={Plus} onClick={() => setAdding(true)}>
          {t("pluginTrigger.add")}
        </Button>
      )}
    </section>
  );
}
