/** A chart in its card: its number, its legend, the same as a table; and what there is while it is read or could not be. */
import { ChartColumn, Table2 } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Skeleton } from "../../ui/States";
import { Chart, type Point, type Series, told } from "./Chart";

interface Props {
  readonly title: string;
  /** The number of the whole time. */
  readonly total: string;
  readonly kind: "bars" | "line";
  readonly points: readonly Point[];
  readonly series: readonly Series[];
  readonly whole: boolean;
  readonly format: (value: number) => string;
  readonly mark: (value: number) => string;
  readonly open: number | undefined;
  readonly query: { readonly isPending: boolean; readonly isFetching: boolean; readonly error: Error | null; readonly refetch: () => unknown };
  readonly height?: number;
  /** How the first column of the table is called. */
  readonly first: string;
  readonly onPick?: ((index: number) => void) | undefined;
  /** What is to be known of the values. */
  readonly note?: string | undefined;
}

export function ChartCard(props: Props) {
  const { title, total, series, query, height = 190, note } = props;
  const { t } = useTranslation("monitor");
  const { t: c } = useTranslation();
  const id = useId();
  const [table, setTable] = useState(false);
  const nothing = series.every((each) => each.values.every((value) => !value));
  return (
    <section className="monitor-card" aria-labelledby={id} aria-busy={query.isFetching}>
      <header className="flex items-center gap-3 min-h-7">
        <h2 id={id} className="font-semibold whitespace-nowrap">
          {title}
        </h2>
        <span className="num text-ink-2 truncate min-w-0">{query.isPending || query.error ? "" : total}</span>
        <span className="flex-1" />
        {series.length > 1
          ? series.map((each) => (
              <span key={each.key} className="chart-key max-md:hidden whitespace-nowrap" data-tone={each.tone}>
                {each.label}
              </span>
            ))
          : null}
        <IconButton
          size="sm"
          icon={table ? ChartColumn : Table2}
          label={t(table ? "chart.asChart" : "chart.asTable", { name: title })}
          onClick={() => setTable(!table)}
        />
      </header>
      {query.isPending ? (
        <div role="status" aria-label={c("common.loading")} style={{ height }} className="flex items-end gap-2">
          {Array.from({ length: 12 }, (_, i) => (
            <Skeleton key={`bar${String(i)}`} height={`${30 + ((i * 29) % 55)}%`} />
          ))}
        </div>
      ) : query.error ? (
        <div role="alert" style={{ minHeight: height }} className="flex flex-col items-center justify-center gap-2 text-center">
          <span className="font-medium">{t("chart.failed")}</span>
          <span className="text-12 text-ink-2 max-w-[44ch]">{messageOf(query.error)}</span>
          <Button size="sm" onClick={() => void query.refetch()}>
            {c("common.retry")}
          </Button>
        </div>
      ) : table ? (
        <Table {...props} label={id} height={height} />
      ) : nothing ? (
        <p style={{ height }} className="flex items-center justify-center text-ink-3">
          {t("chart.nothing")}
        </p>
      ) : (
        <Chart {...props} height={height} name={t("chart.name", { name: title, total })} />
      )}
      {note && !query.isPending && !query.error ? <p className="text-12 text-ink-3">{note}</p> : null}
    </section>
  );
}

function Table({ points, series, first, format, label, height }: Props & { label: string; height: number }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
    <div style={{ height }} className="overflow-auto" role="region" aria-labelledby={label} tabIndex={0}>
      <table className="monitor-table">
        <thead>
          <tr>
            <th scope="col">{first}</th>
            {series.map((each) => (
              <th key={each.key} scope="col">
                {each.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {points.map((point, i) => (
            <tr key={point.label}>
              <th scope="row">{point.label}</th>
              {series.map((each) => (
                <td key={each.key}>{told(each.values[i], format)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
