/** API access: address, keys, and every endpoint with an example made of the app's own inputs. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Eye, EyeOff, KeyRound, Plus, SlidersHorizontal, Trash2, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { type ApiKey, type AppDetail, apiKeys, createKey, deleteKey, enableApi, isGraph, publishedVersion, useAppChange } from "../../data/apps";
import { useRights } from "../../data/session";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { Confirm } from "../../ui/Dialog";
import { Badge } from "../../ui/Marks";
import { SkeletonRows } from "../../ui/States";
import { Address } from "./Address";
import { Endpoints } from "./Endpoints";
import { openaiBase } from "./endpoints";
import { inputsOfForm, inputsOfGraph } from "./inputs";
import { KeyDialog } from "./KeyDialog";
import { McpSection } from "./McpSection";

export function ApiPage({ app }: { app: AppDetail }) {
  const { t } = useTranslation("access");
  const rights = useRights();
  const graph = isGraph(app.mode);
  const published = useQuery({ ...publishedVersion(app.id), enabled: graph });
  const inputs = graph ? inputsOfGraph(published.data?.graph) : inputsOfForm(app.model_config);
  const keys = useQuery(apiKeys(app.id));
  const on = useAppChange(() => enableApi(app.id, true));
  const base = app.api_base_url.startsWith("/") || app.api_base_url === "" ? `${window.location.origin}${app.api_base_url || "/v1"}` : app.api_base_url;
  const { t: c } = useTranslation();
  return (
    <div className="flex-1 overflow-auto">
      <div className="max-w-[1120px] px-8 max-md:px-4 py-6 flex flex-col gap-6">
        <div>
          <h1 className="text-20 font-semibold">{t("title")}</h1>
          <p className="text-ink-2">{t("text")}</p>
        </div>
        {app.enable_api ? null : (
          <div className="banner" data-tone="warn">
            <TriangleAlert size={16} aria-hidden />
            <span className="flex-1">{t("off")}</span>
            {rights.admin ? (
              <Button size="sm" busy={on.isPending} onClick={() => on.mutate(undefined)}>
                {t("turnOn")}
              </Button>
            ) : null}
          </div>
        )}
        {graph && published.isSuccess && !published.data?.id ? (
          <div className="banner" data-tone="warn">
            <TriangleAlert size={16} aria-hidden />
            {t("notPublished")}
          </div>
        ) : null}
        <div className="grid gap-4 md:grid-cols-2">
          <Address label={t("base")} address={base} />
          <Address label={t("openai")} address={openaiBase(base, app.id)} hint={t("openaiText")} />
        </div>
        <Keys app={app} keys={keys.data?.data} error={keys.error} />
        {graph && published.isPending ? (
          <SkeletonRows rows={6} height={32} slow={c("common.slow")} label={c("common.loading")} />
        ) : (
          <Endpoints app={app} inputs={inputs} base={base} apiKey={keys.data?.data[0]?.token} />
        )}
        <McpSection app={app} inputs={inputs} base={base} />
        <section>
          <h2 className="text-16 font-semibold mb-1">{t("errors")}</h2>
          <p className="text-ink-2 max-w-[80ch]">{t("errorsText")}</p>
        </section>
        <section>
          <a className="link" href={`${base.replace(/\/v1\/?$/, "")}/openapi/docs/service`} target="_blank" rel="noreferrer">
            {t("reference")}
          </a>
        </section>
      </div>
    </div>
  );
}

const tail = (key: ApiKey) => `…${key.token.slice(-4)}`;
const isLimited = (key: ApiKey) => key.requests_per_minute > 0 || key.concurrent_runs > 0 || Boolean(key.scopes);
const MAX_KEYS = 10;

function Keys({ app, keys, error }: { app: AppDetail; keys: readonly ApiKey[] | undefined; error: Error | null }) {
  const { t } = useTranslation("access");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const rights = useRights();
  const [shown, setShown] = useState<string>();
  const [deleting, setDeleting] = useState<ApiKey>();
  const [limiting, setLimiting] = useState<ApiKey>();
  const again = () => client.invalidateQueries({ queryKey: apiKeys(app.id).queryKey });
  const failed = (problem: unknown) => toast.error(c("common.failed", { message: messageOf(problem) }));
  const add = useMutation({
    mutationFn: () => createKey(app.id),
    onSuccess: (key) => {
      setShown(key.id);
      return again();
    },
    onError: failed,
  });
  const drop = useMutation({
    mutationFn: (key: ApiKey) => deleteKey(app.id, key.id),
    onSuccess: again,
    onError: failed,
    onSettled: () => setDeleting(undefined),
  });
  const full = (keys?.length ?? 0) >= MAX_KEYS;
  return (
    <section>
      <div className="flex items-end gap-3 mb-2">
        <div className="flex-1">
          <h2 className="text-16 font-semibold">{t("keys")}</h2>
          <p className="text-ink-2">{t("keysText")}</p>
        </div>
        {rights.edit ? (
          <Button icon={Plus} busy={add.isPending} disabled={full} title={full ? t("max") : undefined} onClick={() => add.mutate()}>
            {t("newKey")}
          </Button>
        ) : null}
      </div>
      {error ? <div className="wrong">{messageOf(error)}</div> : null}
      <ul className="card">
        {keys?.length === 0 ? <li className="hint px-3 py-2.5">{t("noKeys")}</li> : null}
        {keys?.map((key) => (
          <KeyRow
            key={key.id}
            apiKey={key}
            shown={shown === key.id}
            admin={rights.admin}
            editor={rights.edit}
            onShow={(show) => setShown(show ? key.id : undefined)}
            onLimit={() => setLimiting(key)}
            onDelete={() => setDeleting(key)}
          />
        ))}
      </ul>
      {limiting ? <KeyDialog key={limiting.id} appId={app.id} apiKey={limiting} onClose={() => setLimiting(undefined)} /> : null}
      <Confirm
        open={deleting !== undefined}
        title={deleting ? t("deleteTitle", { tail: tail(deleting) }) : ""}
        text={t("deleteText")}
        confirm={c("common.delete")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setDeleting(undefined)}
        onConfirm={() => deleting && drop.mutate(deleting, { onSuccess: () => toast(t("deleted", { tail: tail(deleting) })) })}
      />
    </section>
  );
}

function KeyRow({
  apiKey,
  shown,
  admin,
  editor,
  onShow,
  onLimit,
  onDelete,
}: {
  apiKey: ApiKey;
  shown: boolean;
  admin: boolean;
  editor: boolean;
  onShow: (show: boolean) => void;
  onLimit: () => void;
  onDelete: () => void;
}) {
  const { t } = useTranslation("access");
  const { t: c } = useTranslation();
  const format = useFormat();
  return (
    <li className="flex items-center gap-2 px-3 min-h-9.5 border-b border-line-1 last:border-b-0 max-md:flex-wrap max-md:py-1">
      <KeyRound size={14} strokeWidth={1.9} className="text-ink-3" aria-hidden />
      <span className="mono truncate">{shown ? apiKey.token : `${apiKey.token.slice(0, 6)}••••••••${apiKey.token.slice(-4)}`}</span>
      <IconButton size="sm" icon={shown ? EyeOff : Eye} label={t(shown ? "conceal" : "reveal")} onClick={() => onShow(!shown)} />
      <CopyButton text={apiKey.token} label={t("copyKey")} done={c("common.copied")} />
      <div className="flex-1" />
      <span className="text-12 text-ink-3">
        {t("created")} {format.ago(apiKey.created_at)} · {t("lastUsed")} {apiKey.last_used_at ? format.ago(apiKey.last_used_at) : t("never")}
      </span>
      {isLimited(apiKey) ? <Badge tone="warn">{t("limited")}</Badge> : null}
      {editor ? <IconButton size="sm" icon={SlidersHorizontal} label={t("limitKey", { tail: tail(apiKey) })} onClick={onLimit} /> : null}
      {admin ? <IconButton size="sm" icon={Trash2} label={t("deleteKey", { tail: tail(apiKey) })} onClick={onDelete} /> : null}
    </li>
  );
}
