/** Model providers: defaults per use, the connected ones with their models and keys, and what can be added. */
import { useQuery } from "@tanstack/react-query";
import { Package, Plus, Search } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { isConfigured, type Provider, providers } from "../../data/models";
import { useRights } from "../../data/session";
import { inLanguage } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Input } from "../../ui/Input";
import { ProviderTile } from "../../ui/ProviderTile";
import { Segmented } from "../../ui/Segmented";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { CredentialDialog } from "./CredentialDialog";
import { DefaultModels } from "./DefaultModels";
import { ProviderCard } from "./ProviderCard";
import { TestAll, TestSummary } from "./TestAll";

type Tab = "connected" | "available";

/** Where there is no key, only models can be added. */
const asksKey = (provider: Provider) => (provider.provider_credential_schema?.credential_form_schemas.length ?? 0) > 0;

export function ProvidersPage() {
  const { t, i18n } = useTranslation("models");
  const { t: c } = useTranslation();
  const rights = useRights();
  const list = useQuery(providers);
  const [chosen, setTab] = useState<Tab>();
  const [query, setQuery] = useState("");
  const [picking, setPicking] = useState(false);
  const [connecting, setConnecting] = useState<Provider>();
  const [fresh, setFresh] = useState<string>();
  const all = list.data?.data ?? [];
  const groups = { connected: all.filter(isConfigured), available: all.filter((p) => !isConfigured(p)) };
  const tab = chosen ?? (groups.connected.length > 0 || !list.data ? "connected" : "available");
  const needle = query.trim().toLowerCase();
  const name = (p: Pick<Provider, "provider" | "label">) => inLanguage(p.label, i18n.language) || p.provider;
  const shown = groups[tab].filter((p) => needle === "" || `${p.provider} ${name(p)}`.toLowerCase().includes(needle));
  // Where there are few, the first that answers questions stands open.
  const opened = shown.length < 4 ? (fresh ?? shown.find((provider) => provider.supported_model_types.includes("llm"))?.provider) : fresh;
  return (
    <>
      <div className="flex items-end gap-2.5 flex-wrap">
        <div className="flex-1 min-w-0 max-md:basis-full">
          <h1 className="text-20 font-semibold">{t("title")}</h1>
          <p className="text-ink-2">{t("text")}</p>
        </div>
        {rights.admin ? (
          <>
            {groups.connected.length > 0 ? <TestAll providers={groups.connected} /> : null}
            <Button kind="primary" icon={Plus} onClick={() => setPicking(true)}>
              {t("add")}
            </Button>
          </>
        ) : null}
      </div>
      <TestSummary name={(id) => name(all.find((p) => p.provider === id) ?? { provider: id, label: {} })} />
      <DefaultModels />
      <div className="flex items-center gap-3 flex-wrap">
        <Segmented
          label={t("tab.label")}
          value={tab}
          onChange={setTab}
          segments={[
            { value: "connected", label: t("tab.connected"), count: list.data ? String(groups.connected.length) : undefined },
            { value: "available", label: t("tab.available"), count: list.data ? String(groups.available.length) : undefined },
          ]}
        />
        <div className="flex-1" />
        <div style={{ width: 222 }}>
          <Input icon={Search} aria-label={t("find")} placeholder={t("find")} value={query} onChange={(event) => setQuery(event.target.value)} />
        </div>
      </div>
      {list.isPending ? <SkeletonRows rows={5} height={53} slow={c("common.slow")} label={c("common.loading")} /> : null}
      {list.error ? (
        <Failed
          title={t("failed")}
          text={messageOf(list.error)}
          retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
          details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
        />
      ) : null}
      {list.data && shown.length === 0 ? (
        needle ? (
          <p className="text-ink-3 py-6 text-center">{t("nothing", { query })}</p>
        ) : (
          <Empty icon={Package} cat="acc" title={t("empty.title")} text={rights.admin ? t("empty.text") : t("empty.noAdmin")}>
            {rights.admin ? (
              <Button kind="primary" icon={Plus} onClick={() => setPicking(true)}>
                {t("add")}
              </Button>
            ) : null}
          </Empty>
        )
      ) : null}
      <div className="flex flex-col gap-3">
        {shown.map((provider) => (
          <ProviderCard
            key={`${provider.provider}/${provider.provider === fresh && tab === "connected"}`}
            provider={provider}
            connected={tab === "connected"}
            open={tab === "connected" && provider.provider === opened}
            onConnect={() => setConnecting(provider)}
          />
        ))}
      </div>
      {picking ? (
        <Pick
          all={all}
          onClose={() => setPicking(false)}
          onPick={(provider) => {
            setPicking(false);
            setConnecting(provider);
          }}
        />
      ) : null}
      {connecting ? (
        <CredentialDialog
          provider={connecting}
          model={!asksKey(connecting) || !connecting.configurate_methods.includes("predefined-model")}
          onClose={() => {
            setFresh(connecting.provider);
            setConnecting(undefined);
            setTab(undefined);
          }}
        />
      ) : null}
    </>
  );
}

function Pick({ all, onClose, onPick }: { all: readonly Provider[]; onClose: () => void; onPick: (provider: Provider) => void }) {
  const { t, i18n } = useTranslation("models");
  const { t: c } = useTranslation();
  const [query, setQuery] = useState("");
  const rows = all
    .filter((p) => (p.provider_credential_schema?.credential_form_schemas.length ?? 0) > 0 || p.configurate_methods.includes("customizable-model"))
    .filter((p) => `${p.provider} ${inLanguage(p.label, i18n.language)}`.toLowerCase().includes(query.trim().toLowerCase()));
  return (
    <Dialog open title={t("pick.title")} closeLabel={c("common.close")} onClose={onClose}>
      <Input
        icon={Search}
        autoFocus
        aria-label={t("pick.find")}
        placeholder={t("pick.find")}
        value={query}
        onChange={(event) => setQuery(event.target.value)}
      />
      <ul className="mt-3 max-h-[50vh] overflow-auto">
        {rows.map((provider) => (
          <li key={provider.provider}>
            <button type="button" className="menu-row hover:bg-surface-3" style={{ minHeight: 44 }} onClick={() => onPick(provider)}>
              <ProviderTile name={inLanguage(provider.label, i18n.language) || provider.provider} />
              <span className="min-w-0">
                <span className="font-medium block truncate">{inLanguage(provider.label, i18n.language) || provider.provider}</span>
                <span className="text-12 text-ink-3 block truncate">{inLanguage(provider.description, i18n.language)}</span>
              </span>
            </button>
          </li>
        ))}
        {rows.length === 0 ? <li className="hint p-3">{t("nothing", { query })}</li> : null}
      </ul>
    </Dialog>
  );
}
