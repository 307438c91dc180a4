/** What was spent by model, app, user or key, the most expensive first. */
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Segmented } from "../../ui/Segmented";
import { Failed, SkeletonRows } from "../../ui/States";
import type { Bounds } from "../monitor/span";
import { type By, type Group, groups } from "./api";
import { useKeyNames } from "./useKeyNames";

const BYS: readonly By[] = ["model", "app", "user", "key"];

export function GroupsCard({ span }: { span: Pick<Bounds, "start" | "end"> }) {
  const { t } = useTranslation("usage");
  const { t: c } = useTranslation();
  const id = useId();
  const [by, setBy] = useState<By>("model");
  const query = useQuery(groups(span, by));
  return (
    <section className="monitor-card" aria-labelledby={id} aria-busy={query.isFetching}>
      <header className="flex items-center gap-3 flex-wrap min-h-7">
        <h2 id={id} className="font-semibold flex-1">
          {t("groups.title")}
        </h2>
        <Segmented label={t("groups.by")} value={by} onChange={setBy} segments={BYS.map((value) => ({ value, label: t(`groups.${value}`) }))} />
      </header>
      {query.isPending ? (
        <SkeletonRows rows={4} height={36} slow={c("common.slow")} label={c("common.loading")} />
      ) : query.error ? (
        <Failed title={t("groups.failed")} text={messageOf(query.error)} retry={{ label: c("common.retry"), onClick: () => void query.refetch() }} />
      ) : query.data.length === 0 ? (
        <p className="text-ink-3 py-6 text-center">{t("groups.empty")}</p>
      ) : (
        <Table by={by} rows={query.data} label={id} />
      )}
    </section>
  );
}

function Table({ by, rows, label }: { by: By; rows: readonly Group[]; label: string }) {
  const { t } = useTranslation("usage");
  const format = useFormat();
  const keyName = useKeyNames(by === "key");
  const most = new Map<string, number>();
  for (const row of rows) most.set(row.currency, (most.get(row.currency) ?? 0) + Number(row.price));
  const part = (row: Group) => {
    const all = most.get(row.currency) ?? 0;
    return all > 0 ? Number(row.price) / all : 0;
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
    <div className="overflow-auto" role="region" aria-labelledby={label} tabIndex={0}>
      <table className="usage-table">
        <thead>
          <tr>
            <th scope="col">{t(`groups.${by}`)}</th>
            <th scope="col">{t("groups.money")}</th>
            <th scope="col">{t("groups.part")}</th>
            <th scope="col">{t("groups.calls")}</th>
            <th scope="col">{t("groups.failedCalls")}</th>
            <th scope="col">{t("groups.prompt")}</th>
            <th scope="col">{t("groups.completion")}</th>
            <th scope="col">{t("groups.latency")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.provider ?? ""}/${row.name ?? ""}/${row.currency}`}>
              <th scope="row" title={row.name ?? undefined}>
                {row.label ?? keyName(row.name) ?? row.name ?? t(`groups.none.${by}`)}
                {row.provider ? <span className="text-ink-3"> {row.provider.split("/").at(-1)}</span> : null}
              </th>
              <td>{format.money(Number(row.price), row.currency)}</td>
              <td>
                <span className="usage-part" aria-hidden>
                  <span style={{ width: `${part(row) * 100}%` }} />
                </span>
                <span className="visually-hidden">{format.number(Math.round(part(row) * 100))} %</span>
              </td>
              <td>{format.number(row.calls)}</td>
              <td className={row.failed > 0 ? "text-danger" : "text-ink-3"}>{format.number(row.failed)}</td>
              <td>{format.number(row.prompt_tokens)}</td>
              <td>{format.number(row.completion_tokens)}</td>
              <td>{format.duration(row.calls > 0 ? row.latency_ms / row.calls / 1000 : 0)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
