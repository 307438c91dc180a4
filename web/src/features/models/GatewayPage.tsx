/** The workspace's models for software outside: the address, an example, and the keys that open it. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { apiBase, deleteKey, draftOf, type GatewayKey, gatewayAddress, gatewayKeys, updateKey } from "../../data/gateway";
import { useRights } from "../../data/session";
import { useFormat } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { Confirm } from "../../ui/Dialog";
import { Badge } from "../../ui/Marks";
import { Segmented } from "../../ui/Segmented";
import { Empty, Failed, Forbidden, SkeletonRows } from "../../ui/States";
import { Switch } from "../../ui/Switch";
import { GatewayKeyDialog } from "./GatewayKeyDialog";
import { PoliciesPage } from "./policies/PoliciesPage";

/** The way in for software outside, and the policies that hold for every call of the workspace. */
export function GatewayPage() {
  const { t } = useTranslation("gateway");
  const { admin } = useRights();
  const [tab, setTab] = useState<"access" | "policies">("access");
  return (
    <>
      <div>
        <h1 className="text-20 font-semibold">{t("title")}</h1>
        <p className="text-ink-2">{t(tab === "access" ? "text" : "policiesText")}</p>
      </div>
      <div>
        <Segmented
          label={t("part")}
          value={tab}
          onChange={setTab}
          segments={[
            { value: "access", label: t("access") },
            { value: "policies", label: t("policies") },
          ]}
        />
      </div>
      {tab === "access" ? <Access /> : admin ? <PoliciesPage /> : <Forbidden title={t("noAdminPolicies")} />}
    </>
  );
}

function Access() {
  const { t } = useTranslation("gateway");
  const { t: c } = useTranslation();
  const { admin } = useRights();
  const base = useQuery(apiBase).data?.api_base_url ?? "";
  const address = gatewayAddress(base, window.location.origin);
  const example = `from openai import OpenAI

client = OpenAI(base_url="${address}", api_key="sk-ox-…")
answer = client.chat.completions.create(
    model="openai/gpt-4o-mini",
    messages=[{"role": "user", "content": "${t("exampleQuestion")}"}],
)`;
  return (
    <>
      <section className="flex flex-col gap-3" aria-label={t("use")}>
        <div>
          <div className="lbl mb-1.5">{t("address")}</div>
          <div className="inp mono">
            <span className="flex-1 truncate">{address}</span>
            <CopyButton text={address} label={c("common.copy")} done={c("common.copied")} />
          </div>
          <p className="hint mt-1">{t("addressHint")}</p>
        </div>
        <div className="relative">
          <pre className="codebox" style={{ paddingInlineEnd: 44 }}>
            {example}
          </pre>
          <span className="absolute end-1.5 top-1.5">
            <CopyButton text={example} label={c("common.copy")} done={c("common.copied")} />
          </span>
        </div>
      </section>
      {admin ? <Keys /> : <Forbidden title={t("noAdmin")} />}
    </>
  );
}

function Keys() {
  const { t } = useTranslation("gateway");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const keys = useQuery(gatewayKeys);
  const [editing, setEditing] = useState<GatewayKey | "new">();
  const [deleting, setDeleting] = useState<GatewayKey>();
  const again = () => client.invalidateQueries({ queryKey: gatewayKeys.queryKey });
  const fail = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const turn = useMutation({
    mutationFn: ({ key, enabled }: { key: GatewayKey; enabled: boolean }) => updateKey(key.id, { ...draftOf(key), enabled }),
    onSuccess: again,
    onError: fail,
  });
  const drop = useMutation({ mutationFn: deleteKey, onSuccess: again, onError: fail, onSettled: () => setDeleting(undefined) });
  const rows = keys.data?.data ?? [];
  return (
    <section>
      <div className="flex items-end gap-3 mb-2">
        <div className="flex-1">
          <h2 className="text-16 font-semibold">{t("keys")}</h2>
          <p className="text-ink-2">{t("keysText")}</p>
        </div>
        <Button kind="primary" icon={Plus} onClick={() => setEditing("new")}>
          {t("add")}
        </Button>
      </div>
      {keys.isPending ? <SkeletonRows rows={2} height={53} slow={c("common.slow")} label={c("common.loading")} /> : null}
      {keys.error ? (
        <Failed
          title={t("failed")}
          text={messageOf(keys.error)}
          retry={{ label: c("common.retry"), onClick: () => void keys.refetch() }}
          details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(keys.error) }}
        />
      ) : null}
      {keys.data && rows.length === 0 ? <Empty icon={KeyRound} cat="acc" title={t("none")} text={t("noneText")} /> : null}
      {rows.length > 0 ? (
        <ul className="card">
          {rows.map((key) => (
            <Row
              key={key.id}
              row={key}
              busy={turn.isPending}
              onTurn={(enabled) => turn.mutate({ key, enabled })}
              onEdit={() => setEditing(key)}
              onDelete={() => setDeleting(key)}
            />
          ))}
        </ul>
      ) : null}
      {editing ? <GatewayKeyDialog known={editing === "new" ? undefined : editing} onClose={() => setEditing(undefined)} /> : null}
      <Confirm
        open={deleting !== undefined}
        title={t("deleteTitle", { name: deleting?.name ?? "" })}
        text={t("deleteText")}
        confirm={c("common.delete")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setDeleting(undefined)}
        onConfirm={() => deleting && drop.mutate(deleting.id)}
      />
    </section>
  );
}

interface RowProps {
  readonly row: GatewayKey;
  readonly busy: boolean;
  readonly onTurn: (enabled: boolean) => void;
  readonly onEdit: () => void;
  readonly onDelete: () => void;
}

function Row({ row, busy, onTurn, onEdit, onDelete }: RowProps) {
  const { t } = useTranslation("gateway");
  const format = useFormat();
  const expired = row.expires_at !== null && row.expires_at * 1000 <= Date.now();
  const facts = [
    row.allowed_models === null ? t("allModels") : t("someModels", { count: row.allowed_models.length }),
    row.requests_per_minute === null ? t("unlimited") : t("perMinute", { count: row.requests_per_minute }),
    row.expires_at === null ? t("noEnd") : t(expired ? "expired" : "expires", { time: format.dateTime(row.expires_at) }),
    row.last_used_at === null ? t("unused") : t("used", { time: format.ago(row.last_used_at) }),
  ];
  return (
    <li className="flex items-center gap-2 px-3 py-2 min-h-[53px] border-b border-line-1 last:border-b-0 flex-wrap">
      <div className="flex-1 min-w-[200px]">
        <div className="flex items-center gap-2 min-w-0">
          <span className="font-medium truncate">{row.name}</span>
          <span className="mono text-12 text-ink-3">{row.prefix}…</span>
          {expired ? <Badge tone="warn">{t("isExpired")}</Badge> : null}
        </div>
        <div className="text-12 text-ink-3 num">{facts.join(" · ")}</div>
      </div>
      <Switch checked={row.enabled} disabled={busy} label={t("enable", { name: row.name })} onChange={onTurn} />
      <IconButton size="sm" icon={Pencil} label={t("edit", { name: row.name })} onClick={onEdit} />
      <IconButton size="sm" icon={Trash2} label={t("delete", { name: row.name })} onClick={onDelete} />
    </li>
  );
}
