/** Where an app is reached: its page, its API, the settings of the page, its versions. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CodeXml, ExternalLink, Globe, KeyRound, RefreshCw, TriangleAlert } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { type AppDetail, enableApi, enableSite, isGraph, publishedVersion, resetSiteCode, siteUrl, useAppChange, type Version } from "../../data/apps";
import { useRights } from "../../data/session";
import { useFormat } from "../../lib/format";
import { get, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { Confirm } from "../../ui/Dialog";
import { Badge, Tile } from "../../ui/Marks";
import { Switch } from "../../ui/Switch";
import { AsTool } from "./AsTool";
import { EmbedDialog } from "./EmbedDialog";
import { PageAccess } from "./PageAccess";
import { SiteSettings } from "./SiteSettings";
import { Triggers } from "./Triggers";

export function PublishPage({ app }: { app: AppDetail }) {
  const { t } = useTranslation("publish");
  const rights = useRights();
  const graph = isGraph(app.mode);
  const published = useQuery({ ...publishedVersion(app.id), enabled: graph && rights.edit });
  const ready = !graph || !rights.edit || !published.isSuccess || Boolean(published.data?.id);
  return (
    <div className="flex-1 overflow-auto">
      <div className="max-w-[1120px] px-8 max-md:px-4 py-6 flex flex-col gap-5">
        <div>
          <h1 className="text-20 font-semibold">{t("title")}</h1>
          <p className="text-ink-2">{t("text")}</p>
        </div>
        <div className="grid gap-5 items-start" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(380px, 100%), 1fr))" }}>
          <div className="flex flex-col gap-4">
            <PageCard app={app} ready={ready} />
            {rights.edit ? <PageAccess app={app} /> : null}
            <ApiCard app={app} />
            {app.mode === "workflow" && rights.edit ? <AsTool app={app} /> : null}
            {app.mode === "workflow" && rights.edit ? <Triggers app={app} /> : null}
            {graph && rights.edit ? <Versions app={app} /> : null}
          </div>
          {rights.edit && app.site ? <SiteSettings key={app.site.title} app={app} site={app.site} /> : null}
        </div>
      </div>
    </div>
  );
}

function CardHead({ icon, title, children }: { icon: ReactNode; title: string; children: ReactNode }) {
  return (
    <div className="flex items-center gap-2.5">
      <Tile>{icon}</Tile>
      <h2 className="font-semibold flex-1">{title}</h2>
      {children}
    </div>
  );
}

/** An address of this machine does not work anywhere else. */
function isLocal(url: string): boolean {
  return /^https?:\/\/(localhost|127\.|0\.0\.0\.0|\[::1\])/.test(url);
}

function PageCard({ app, ready }: { app: AppDetail; ready: boolean }) {
  const { t } = useTranslation("publish");
  const { t: c } = useTranslation();
  const rights = useRights();
  const [resetting, setResetting] = useState(false);
  const [embedding, setEmbedding] = useState(false);
  const failed = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const toggle = useAppChange((on: boolean) => enableSite(app.id, on));
  const reset = useAppChange(() => resetSiteCode(app.id));
  const url = siteUrl(app);
  const chat = app.mode !== "workflow" && app.mode !== "completion";
  return (
    <section className="card p-4 flex flex-col gap-3" aria-label={t("page.title")}>
      <CardHead icon={<Globe size={14} strokeWidth={1.9} aria-hidden />} title={t("page.title")}>
        <Badge tone={app.enable_site && ready ? "ok" : "plain"}>{t(app.enable_site && ready ? "page.on" : "page.off")}</Badge>
        <Switch
          checked={app.enable_site}
          disabled={!rights.edit || toggle.isPending}
          label={t("page.switch")}
          onChange={(on) => toggle.mutate(on, { onError: failed })}
        />
      </CardHead>
      {ready ? null : (
        <div className="banner" data-tone="warn">
          <TriangleAlert size={16} aria-hidden />
          {t("page.notPublished")}
        </div>
      )}
      <div className="inp mono">
        <span className="flex-1 truncate">{url}</span>
        <CopyButton text={url} label={t("page.copy")} done={c("common.copied")} />
      </div>
      {isLocal(url) ? <p className="hint">{t("page.local")}</p> : null}
      <div className="flex gap-2 flex-wrap">
        {app.enable_site && ready ? (
          <a className="btn" href={url} target="_blank" rel="noreferrer">
            <ExternalLink size={14} strokeWidth={1.9} aria-hidden />
            {t("page.open")}
          </a>
        ) : null}
        <Button icon={CodeXml} aria-haspopup="dialog" onClick={() => setEmbedding(true)}>
          {t("embed.title")}
        </Button>
        {rights.admin ? (
          <Button icon={RefreshCw} onClick={() => setResetting(true)}>
            {t("page.reset")}
          </Button>
        ) : null}
      </div>
      {embedding ? <EmbedDialog url={url} chat={chat} onClose={() => setEmbedding(false)} /> : null}
      <Confirm
        open={resetting}
        title={t("page.resetTitle")}
        text={t("page.resetText")}
        confirm={t("page.reset")}
        cancel={c("common.keep")}
        busy={reset.isPending}
        onClose={() => setResetting(false)}
        onConfirm={() =>
          reset.mutate(undefined, {
            onSuccess: () => {
              setResetting(false);
              toast(t("page.resetDone"));
            },
            onError: failed,
          })
        }
      />
    </section>
  );
}

function ApiCard({ app }: { app: AppDetail }) {
  const { t } = useTranslation("publish");
  const { t: c } = useTranslation();
  const rights = useRights();
  const toggle = useAppChange((on: boolean) => enableApi(app.id, on));
  return (
    <section className="card p-4 flex flex-col gap-3" aria-label={t("api.title")}>
      <CardHead icon={<KeyRound size={14} strokeWidth={1.9} aria-hidden />} title={t("api.title")}>
        <Badge tone={app.enable_api ? "ok" : "plain"}>{t(app.enable_api ? "page.on" : "page.off")}</Badge>
        <Switch
          checked={app.enable_api}
          disabled={!rights.admin || toggle.isPending}
          label={t("api.switch")}
          onChange={(on) => toggle.mutate(on, { onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })) })}
        />
      </CardHead>
      {rights.edit ? (
        <Link to="/app/$appId/develop" params={{ appId: app.id }} className="link self-start">
          {t("api.link")}
        </Link>
      ) : null}
    </section>
  );
}

function Versions({ app }: { app: AppDetail }) {
  const { t } = useTranslation("publish");
  const format = useFormat();
  const list = useQuery({
    queryKey: ["apps", "versions", app.id],
    queryFn: () => get<{ items: Version[] }>(`/apps/${app.id}/workflows`, { page: 1, limit: 20 }),
  });
  const live = useQuery(publishedVersion(app.id)).data?.id;
  const versions = (list.data?.items ?? []).filter((v) => v.version !== "draft");
  return (
    <section className="card p-4" aria-label={t("versions.title")}>
      <h2 className="font-semibold mb-1">{t("versions.title")}</h2>
      {list.error ? <div className="wrong">{t("versions.failed")}</div> : null}
      {list.data && versions.length === 0 ? <p className="hint">{t("versions.none")}</p> : null}
      <ul>
        {versions.map((version) => (
          <li key={version.id} className="flex items-center gap-2 min-h-9 max-md:flex-wrap max-md:py-1.5 max-md:gap-y-0 border-b border-line-1 last:border-b-0">
            <span className="font-medium truncate">{version.marked_name || t("versions.unnamed", { time: format.dateTime(version.created_at) })}</span>
            {version.id === live ? <Badge tone="ok">{t("versions.live")}</Badge> : null}
            <span className="text-12 text-ink-3 truncate flex-1">{version.marked_comment}</span>
            <span className="text-12 text-ink-3 whitespace-nowrap">
              {version.created_by ? t("versions.by", { name: version.created_by.name }) : ""} {format.ago(version.created_at)}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
