/** How programs use knowledge: the address, a switch for this knowledge base, its keys and those of the workspace. */
import { useQuery } from "@tanstack/react-query";
import { Eye, EyeOff, KeyRound, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useRights } from "../../data/session";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { Confirm } from "../../ui/Dialog";
import { Empty, SkeletonRows } from "../../ui/States";
import { Switch } from "../../ui/Switch";
import { Address } from "../access/Address";
import { apiBase, createKey, datasetKeys, deleteKey, ownKeys, setApi, useKnowledgeChange } from "./api";
import type { ApiKey, Dataset } from "./types";

const MAX_KEYS = 10;
const tail = (key: ApiKey) => `…${key.token.slice(-4)}`;

export function KeysPage({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const base = useQuery(apiBase).data?.api_base_url ?? "";
  const address = base.startsWith("/") || base === "" ? `${window.location.origin}${base || "/v1"}` : base;
  const turn = useKnowledgeChange((on: boolean) => setApi(dataset.id, on));
  const on = dataset.enable_api !== false;
  const example = `curl -X POST '${address}/datasets/${dataset.id}/retrieve' \\
  -H 'Authorization: Bearer dataset-…' \\
  -H 'Content-Type: application/json' \\
  -d '{"query": "${t("keys.exampleQuestion")}"}'`;
  return (
    <div className="flex-1 overflow-auto">
      <div className="max-w-[860px] px-8 max-md:px-4 py-6 flex flex-col gap-6">
        <div className="flex items-end gap-3">
          <div className="flex-1">
            <h1 className="text-20 font-semibold">{t("tabs.api")}</h1>
            <p className="text-ink-2">{t("keys.about")}</p>
          </div>
          <span className="flex items-center gap-2">
            {t("keys.on")}
            <Switch
              label={t("keys.on")}
              checked={on}
              disabled={turn.isPending}
              onChange={(next) => turn.mutate(next, { onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })) })}
            />
          </span>
        </div>
        <div className="grid gap-4 md:grid-cols-2">
          <Address label={t("keys.base")} address={address} />
          <Address label={t("keys.id")} address={dataset.id} />
        </div>
        <Keys of={dataset.id} />
        <Keys />
        <section>
          <h2 className="text-16 font-semibold mb-2">{t("keys.example")}</h2>
          <div className="relative">
            <pre className="codebox" style={{ paddingInlineEnd: 44 }}>
              {example}
            </pre>
            <span className="absolute end-1.5 top-1.5">
              <CopyButton text={example} label={c("common.copy")} done={c("common.copied")} />
            </span>
          </div>
        </section>
      </div>
    </div>
  );
}

/** The keys of one knowledge base, or without one those of the workspace. */
function Keys({ of }: { of?: string }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const format = useFormat();
  const { admin } = useRights();
  const kind = of ? "keys.own" : "keys.all";
  const workspace = useQuery({ ...datasetKeys, enabled: of === undefined });
  const own = useQuery({ ...ownKeys(of ?? ""), enabled: of !== undefined });
  const keys = of ? own : workspace;
  const [shown, setShown] = useState<string>();
  const [deleting, setDeleting] = useState<ApiKey>();
  const fail = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const add = useKnowledgeChange(() => createKey(of));
  const drop = useKnowledgeChange((id: string) => deleteKey(id, of));
  const rows = keys.data?.data ?? [];
  return (
    <section aria-label={t(`${kind}.title`)}>
      <div className="flex items-end gap-3 mb-2">
        <div className="flex-1">
          <h2 className="text-16 font-semibold">{t(`${kind}.title`)}</h2>
          <p className="text-ink-2">{t(`${kind}.text`)}</p>
        </div>
        {admin ? (
          <Button
            icon={Plus}
            busy={add.isPending}
            disabled={rows.length >= MAX_KEYS}
            onClick={() => add.mutate(undefined, { onSuccess: (key) => setShown(key.id), onError: fail })}
          >
            {t(`${kind}.add`)}
          </Button>
        ) : null}
      </div>
      {keys.isPending ? (
        <SkeletonRows rows={2} height={40} slow={c("common.slow")} label={c("common.loading")} />
      ) : keys.error ? (
        <div className="wrong" role="alert">
          {messageOf(keys.error)}
        </div>
      ) : rows.length === 0 ? (
        <Empty icon={KeyRound} title={t(`${kind}.none`)} text={t(admin ? `${kind}.noneText` : "keys.noneAdmin")} />
      ) : (
        <ul className="card">
          {rows.map((key) => (
            <li key={key.id} className="flex items-center gap-2 px-3 min-h-10 border-b border-line-1 last:border-b-0 flex-wrap">
              <span className="mono wrap-anywhere flex-1 min-w-[140px]">{shown === key.id ? key.token : tail(key)}</span>
              <span className="text-12 text-ink-3 num">{key.last_used_at ? t("keys.used", { time: format.ago(key.last_used_at) }) : t("keys.unused")}</span>
              <IconButton
                size="sm"
                icon={shown === key.id ? EyeOff : Eye}
                label={shown === key.id ? c("common.hide") : c("common.show")}
                onClick={() => setShown(shown === key.id ? undefined : key.id)}
              />
              <CopyButton text={key.token} label={c("common.copy")} done={c("common.copied")} />
              {admin ? <IconButton size="sm" icon={Trash2} label={t("keys.delete", { tail: tail(key) })} onClick={() => setDeleting(key)} /> : null}
            </li>
          ))}
        </ul>
      )}
      <Confirm
        open={deleting !== undefined}
        title={t("keys.delete", { tail: deleting ? tail(deleting) : "" })}
        text={t("keys.deleteText")}
        confirm={c("common.delete")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setDeleting(undefined)}
        onConfirm={() => deleting && drop.mutate(deleting.id, { onError: fail, onSettled: () => setDeleting(undefined) })}
      />
    </section>
  );
}
