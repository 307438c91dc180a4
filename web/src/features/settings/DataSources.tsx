/** Services that knowledge comes from beside files: their keys. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, LogIn, Pencil, Plus, Star, Trash2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useRights } from "../../data/session";
import { connectNotion, deleteCredential, makeDefault, type SourceCredential, type SourceProvider, sourceProviders } from "../../data/sources";
import { inLanguage } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { OAUTH_CHANNEL } from "../../lib/oauth";
import { Button, IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Badge } from "../../ui/Marks";
import { ProviderTile } from "../../ui/ProviderTile";
import { Failed, SkeletonRows } from "../../ui/States";
import { PageHead } from "./SettingsFrame";
import { SourceKeyDialog } from "./SourceKeyDialog";

export function DataSources() {
  const { t } = useTranslation("settings");
  const { t: c } = useTranslation();
  const rights = useRights();
  const list = useQuery(sourceProviders);
  return (
    <>
      <PageHead title={t("sources.title")} text={t("sources.text")} />
      {rights.admin ? null : <p className="hint">{t("sources.noRight")}</p>}
      {list.isPending ? (
        <SkeletonRows rows={4} height={72} slow={c("common.slow")} label={c("common.loading")} />
      ) : list.error ? (
        <Failed
          title={t("sources.failed")}
          text={messageOf(list.error)}
          retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
          details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
        />
      ) : (
        list.data.map((provider) => <ProviderCard key={provider.id} provider={provider} admin={rights.admin} />)
      )}
    </>
  );
}

function ProviderCard({ provider, admin }: { provider: SourceProvider; admin: boolean }) {
  const { t, i18n } = useTranslation("settings");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const read = () => client.invalidateQueries({ queryKey: ["sources"] });
  const [editing, setEditing] = useState<SourceCredential | "new">();
  const [removing, setRemoving] = useState<SourceCredential>();
  const onError = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const drop = useMutation({
    mutationFn: (id: string) => deleteCredential(provider, id),
    onSuccess: read,
    onError,
    onSettled: () => setRemoving(undefined),
  });
  const choose = useMutation({ mutationFn: (id: string) => makeDefault(provider, id), onSuccess: read, onError });
  const name = inLanguage(provider.label, i18n.language);
  const key = provider.credential_schema.find((field) => field.type === "secret-input")?.name ?? "";
  return (
    <section className="card" aria-label={name}>
      <header className="flex items-center gap-2.5 p-3 flex-wrap">
        <ProviderTile name={name} />
        <div className="flex-1 min-w-0">
          <div className="font-semibold">{name}</div>
          <div className="text-12 text-ink-3">{t(`sources.${provider.provider_type}`)}</div>
        </div>
        {provider.credentials_list.length === 0 ? <span className="text-12 text-ink-3">{t("sources.none")}</span> : null}
        {admin && provider.oauth ? <SignIn onDone={read} /> : null}
        {admin ? (
          <Button size="sm" icon={Plus} onClick={() => setEditing("new")} aria-label={t("sources.addTo", { name })}>
            {t("sources.add")}
          </Button>
        ) : null}
      </header>
      {provider.credentials_list.length > 0 ? (
        <ul className="border-t border-line-1">
          {provider.credentials_list.map((one) => {
            const shown = one.workspace?.workspace_name || one.name;
            return (
              <li key={one.id} className="flex items-center gap-2.5 px-3 py-2 border-b border-line-1 last:border-b-0 max-md:flex-wrap">
                <KeyRound size={14} strokeWidth={1.9} className="text-ink-3" aria-hidden />
                <span className="font-medium truncate">{shown}</span>
                {one.is_default ? <Badge tone="ok">{t("sources.default")}</Badge> : null}
                {one.disabled ? <Badge tone="warn">{t("sources.off")}</Badge> : null}
                <span className="mono text-12 text-ink-3 truncate flex-1">{one.credential[key] ?? ""}</span>
                {admin ? (
                  <>
                    {one.is_default ? null : (
                      <IconButton size="sm" icon={Star} label={t("sources.makeDefault", { name: shown })} onClick={() => choose.mutate(one.id)} />
                    )}
                    <IconButton size="sm" icon={Pencil} label={t("sources.change", { name: shown })} onClick={() => setEditing(one)} />
                    <IconButton size="sm" icon={Trash2} label={t("sources.remove", { name: shown })} onClick={() => setRemoving(one)} />
                  </>
                ) : null}
              </li>
            );
          })}
        </ul>
      ) : null}
      {editing ? (
        <SourceKeyDialog
          provider={provider}
          credential={editing === "new" ? undefined : editing}
          onClose={() => setEditing(undefined)}
          onSaved={() => {
            setEditing(undefined);
            void read();
          }}
        />
      ) : null}
      <Confirm
        open={removing !== undefined}
        title={t("sources.removeTitle", { name: removing?.name ?? "" })}
        text={t("sources.removeText")}
        confirm={c("common.delete")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setRemoving(undefined)}
        onConfirm={() => removing && drop.mutate(removing.id)}
      />
    </section>
  );
}

/** In a window of its own, which tells when it is done. */
function SignIn({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation("settings");
  const { t: c } = useTranslation();
  const [busy, setBusy] = useState(false);
  const popup = useRef<Window | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only while the window is open
  useEffect(() => {
    if (!busy) return;
    const over = () => {
      setBusy(false);
      onDone();
    };
    const channel = new BroadcastChannel(OAUTH_CHANNEL);
    channel.onmessage = over;
    const watch = setInterval(() => {
      if (popup.current?.closed) over();
    }, 700);
    return () => {
      channel.close();
      clearInterval(watch);
    };
  }, [busy]);
  const start = () => {
    // Opened with the click: a window that opens later is taken for an advertisement.
    const opened = window.open("about:blank", "_blank", "width=640,height=760");
    popup.current = opened;
    connectNotion().then(
      ({ data }) => {
        if (data === "internal") {
          opened?.close();
          onDone();
        } else if (opened) {
          opened.location.href = data;
          setBusy(true);
        } else toast.error(t("sources.blocked"));
      },
      (error: unknown) => {
        opened?.close();
        toast.error(c("common.failed", { message: messageOf(error) }));
      },
    );
  };
  return (
    <Button size="sm" icon={LogIn} busy={busy} onClick={start}>
      {t("sources.signIn")}
    </Button>
  );
}
