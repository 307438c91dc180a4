/** What the models that an app called cost, the most expensive first. */
import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Failed, SkeletonRows } from "../../ui/States";
import { models } from "./api";
import type { Span } from "./span";

export function ModelsCard({ appId, span }: { appId: string; span: Span }) {
  const { t } = useTranslation("monitor");
  const { t: c } = useTranslation();
  const format = useFormat();
  const id = useId();
  const query = useQuery(models(appId, span));
  return (
    <section className="monitor-card" aria-labelledby={id} aria-busy={query.isFetching}>
      <header className="min-h-7">
        <h2 id={id} className="font-semibold">
          {t("models.title")}
        </h2>
        <p className="text-12 text-ink-3">{t("models.text")}</p>
      </header>
      {query.isPending ? (
        <SkeletonRows rows={4} height={28} slow={c("common.slow")} label={c("common.loading")} />
      ) : query.error ? (
        <Failed title={t("chart.failed")} text={messageOf(query.error)} retry={{ label: c("common.retry"), onClick: () => void query.refetch() }} />
      ) : query.data.length === 0 ? (
        <p className="text-ink-3 py-6 text-center">{t("models.empty")}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
        <div className="overflow-auto" role="region" aria-labelledby={id} tabIndex={0} style={{ maxHeight: 220 }}>
          <table className="monitor-table">
            <thead>
              <tr>
                <th scope="col">{t("models.model")}</th>
                <th scope="col">{t("figure.cost")}</th>
                <th scope="col">{t("models.calls")}</th>
                <th scope="col">{t("models.failed")}</th>
                <th scope="col">{t("figure.tokens")}</th>
              </tr>
            </thead>
            <tbody>
              {query.data.map((row) => (
                <tr key={`${row.provider ?? ""}/${row.name ?? ""}/${row.currency}`}>
                  <th scope="row">
                    {row.label ?? row.name ?? "–"}
                    {row.provider ? <span className="text-ink-3"> {row.provider.split("/").at(-1)}</span> : null}
                  </th>
                  <td>{format.money(Number(row.price), row.currency)}</td>
                  <td>{format.number(row.calls)}</td>
                  <td className={row.failed > 0 ? "text-danger" : "text-ink-3"}>{format.number(row.failed)}</td>
                  <td>{format.number(row.total_tokens)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
