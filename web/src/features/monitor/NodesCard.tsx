/** The nodes of a workflow by how long they take, the slowest first, and how often they failed. */
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { NodeTile } from "../../ui/NodeTile";
import { Failed, SkeletonRows } from "../../ui/States";
import { type NodeTimes, slowNodes } from "./api";
import type { Span } from "./span";

interface Props {
  readonly appId: string;
  readonly span: Span;
  /** Opens the log of these days. */
  readonly onLogs: (() => void) | undefined;
}

export function NodesCard({ appId, span, onLogs }: Props) {
  const { t } = useTranslation("monitor");
  const { t: c } = useTranslation();
  const id = useId();
  const query = useQuery(slowNodes(appId, span));
  return (
    <section className="monitor-card" aria-labelledby={id} aria-busy={query.isFetching}>
      <header className="flex items-center gap-3 min-h-7">
        <h2 id={id} className="font-semibold flex-1">
          {t("nodes.title")}
        </h2>
        {onLogs ? (
          <Button size="sm" kind="quiet" onClick={onLogs}>
            {t("nodes.logs")}
          </Button>
        ) : null}
      </header>
      {query.isPending ? (
        <SkeletonRows rows={4} height={28} slow={c("common.slow")} label={c("common.loading")} />
      ) : query.error ? (
        <Failed title={t("chart.failed")} text={messageOf(query.error)} retry={{ label: c("common.retry"), onClick: () => void query.refetch() }} />
      ) : query.data.data.length === 0 ? (
        <p className="text-ink-3 py-6 text-center">{t("nodes.empty")}</p>
      ) : (
        <Nodes label={id} nodes={query.data.data} />
      )}
      {query.data?.sampled ? <p className="text-12 text-ink-3">{t("nodes.sampled")}</p> : null}
    </section>
  );
}

function Nodes({ label, nodes }: { label: string; nodes: readonly NodeTimes[] }) {
  const { t } = useTranslation("monitor");
  const format = useFormat();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
    <div className="overflow-auto" role="region" aria-labelledby={label} tabIndex={0} style={{ maxHeight: 220 }}>
      <table className="monitor-table">
        <thead>
          <tr>
            <th scope="col">{t("nodes.node")}</th>
            <th scope="col">{t("times.p95")}</th>
            <th scope="col">{t("times.p50")}</th>
            <th scope="col">{t("nodes.failed")}</th>
            <th scope="col">{t("nodes.ran")}</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <tr key={`${node.node_id}/${node.node_type}`}>
              <th scope="row">
                <span className="flex items-center gap-2">
                  <NodeTile kind={node.node_type} />
                  <span className="truncate" style={{ maxWidth: "24ch" }} title={node.title}>
                    {node.title}
                  </span>
                </span>
              </th>
              <td>{format.duration(node.p95)}</td>
              <td>{format.duration(node.p50)}</td>
              <td className={node.failed > 0 ? "text-danger" : "text-ink-3"}>{format.number(node.failed)}</td>
              <td>{format.number(node.executions)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
