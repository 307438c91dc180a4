/** Starting a draft that begins with triggers: listen for a request, or start a schedule at once. */
import { useQuery } from "@tanstack/react-query";
import { Copy, Play, Radio, Square } from "lucide-react";
import { useTranslation } from "react-i18next";
import { webhookAddress } from "../api";
import type { GraphNode } from "../model/document";
import { isActive } from "../model/run";
import { Button, IconButton, Wrong } from "../parts/controls";
import { openTray } from "../store/actions";
import { flush } from "../store/autosave";
import { listen, stopRun } from "../store/runner";
import { useStudio } from "../store/studio";
import { KindTile } from "../tray/TraceTab";

export function TriggerStart({ triggers }: { triggers: readonly GraphNode[] }) {
  const { t } = useTranslation("studio");
  const active = useStudio((s) => isActive(s.run));
  const listening = useStudio((s) => s.run.status === "listening");
  const readOnly = useStudio((s) => s.preview !== undefined);
  const start = (nodes: readonly GraphNode[]) => {
    openTray("trace");
    void listen(nodes.map((n) => n.id));
  };
  const hooks = triggers.filter((n) => n.data.type !== "trigger-schedule");
  return (
    <section className="st-section" aria-label={t("runPanel.triggers")}>
      <span className="st-hint">{t(listening ? "runPanel.listening" : "runPanel.triggersHint")}</span>
      {triggers.map((node) => {
        const clock = node.data.type === "trigger-schedule";
        return (
          <div key={node.id} className="st-case">
            <div className="st-row">
              <KindTile kind={node.data.type} />
              <b className="st-grow st-clip">{node.data.title}</b>
              <Button size="sm" icon={clock ? Play : Radio} disabled={active || readOnly} onClick={() => start([node])}>
                {t(clock ? "runPanel.startNow" : "runPanel.listen")}
              </Button>
            </div>
            {node.data.type === "trigger-webhook" ? <TestAddress node={node.id} /> : null}
          </div>
        );
      })}
      {hooks.length > 1 ? (
        <div>
          <Button icon={Radio} disabled={active || readOnly} onClick={() => start(hooks)}>
            {t("runPanel.listenAll")}
          </Button>
        </div>
      ) : null}
      {active ? (
        <div>
          <Button icon={Square} onClick={stopRun}>
            {t("pill.stop")}
          </Button>
        </div>
      ) : null}
    </section>
  );
}

function TestAddress({ node }: { node: string }) {
  const { t } = useTranslation("studio");
  const owner = useStudio((s) => s.owner);
  const address = useQuery({
    queryKey: ["webhook", owner, node],
    retry: false,
    staleTime: 60_000,
    queryFn: async () => {
      await flush();
      return webhookAddress(owner, node);
    },
  });
  const url = address.data?.webhook_debug_url ?? "";
  if (address.error) return <Wrong>{address.error.message}</Wrong>;
  return (
    <div className="st-row">
      <input className="st-input mono" readOnly aria-label={t("webhook.addresses.test")} value={url} onFocus={(e) => e.target.select()} />
      <IconButton label={t("common.copyOf", { name: t("webhook.addresses.test") })} icon={Copy} onClick={() => void navigator.clipboard?.writeText(url).catch(() => undefined)} />
    </div>
  );
}
