/** What starts the published workflow by itself: each can be switched off, and leads to what has come to it. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Zap } from "lucide-react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import type { AppDetail } from "../../data/apps";
import { useRights } from "../../data/session";
import { type Trigger, triggerList, useTriggerSwitch, webhookUrl } from "../../data/triggers";
import { errorDetails, messageOf } from "../../lib/http";
import { CopyButton } from "../../ui/CopyButton";
import { Badge, Tile } from "../../ui/Marks";
import { NodeTile } from "../../ui/NodeTile";
import { Failed, Skeleton } from "../../ui/States";
import { Switch } from "../../ui/Switch";

export function Triggers({ app }: { app: AppDetail }) {
  const { t } = useTranslation("publish");
  const { t: c } = useTranslation();
  const list = useQuery(triggerList(app.id));
  return (
    <section className="card p-4 flex flex-col gap-3" aria-label={t("triggers.title")}>
      <div className="flex items-center gap-2.5">
        <Tile>
          <Zap size={14} strokeWidth={1.9} aria-hidden />
        </Tile>
        <h2 className="font-semibold flex-1">{t("triggers.title")}</h2>
        <Link to="/app/$appId/logs" params={{ appId: app.id }} search={{ view: "triggers" }} className="link">
          {t("triggers.events")}
        </Link>
      </div>
      {list.isPending ? (
        <div role="status" aria-label={c("common.loading")} className="flex flex-col gap-2">
          <Skeleton height={20} />
          <Skeleton width="60%" />
        </div>
      ) : list.error ? (
        <Failed
          title={t("triggers.failed")}
          text={messageOf(list.error)}
          retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
          details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
        />
      ) : list.data.length === 0 ? (
        <p className="hint">{t("triggers.none")}</p>
      ) : (
        <ul className="flex flex-col">
          {list.data.map((trigger) => (
            <Row key={trigger.id} app={app} trigger={trigger} />
          ))}
        </ul>
      )}
    </section>
  );
}

const TONES = { enabled: "ok", disabled: "plain", unauthorized: "bad", rate_limited: "warn" } as const;

function Row({ app, trigger }: { app: AppDetail; trigger: Trigger }) {
  const { t } = useTranslation("publish");
  const { t: c } = useTranslation();
  const rights = useRights();
  const change = useTriggerSwitch(app.id);
  const on = trigger.status === "enabled" || trigger.status === "rate_limited";
  return (
    <li className="flex flex-col gap-1.5 py-2.5 border-b border-line-1 last:border-b-0">
      <div className="flex items-center gap-2 min-w-0">
        <NodeTile kind={trigger.trigger_type} />
        <Link to="/app/$appId/workflow" params={{ appId: app.id }} search={{ node: trigger.node_id }} className="font-medium truncate hover:underline">
          {trigger.title}
        </Link>
        <Badge tone={TONES[trigger.status] ?? "plain"}>{t(`triggers.status.${trigger.status}`)}</Badge>
        <span className="flex-1" />
        <Switch
          checked={on}
          disabled={!rights.edit || change.isPending || trigger.status === "unauthorized"}
          label={t("triggers.switch", { name: trigger.title })}
          onChange={(next) =>
            change.mutate({ id: trigger.id, on: next }, { onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })) })
          }
        />
      </div>
      {trigger.trigger_type === "trigger-webhook" && rights.edit ? <Address app={app} node={trigger.node_id} name={trigger.title} /> : null}
      {trigger.status === "unauthorized" ? <p className="hint">{t("triggers.plugin")}</p> : null}
    </li>
  );
}

function Address({ app, node, name }: { app: AppDetail; node: string; name: string }) {
  const { t } = useTranslation("publish");
  const { t: c } = useTranslation();
  const address = useQuery(webhookUrl(app.id, node));
  // Addresses belong to the draft's nodes.
  if (address.error) return <p className="hint">{t("triggers.noAddress")}</p>;
  return (
    <div className="inp mono">
      <span className="flex-1 truncate">{address.data ?? ""}</span>
      {address.data ? <CopyButton text={address.data} label={t("triggers.copy", { name })} done={c("common.copied")} /> : null}
    </div>
  );
}
