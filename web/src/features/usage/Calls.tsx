/** The calls one by one, newest first, and all of them as a file. */
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { saveBlob } from "../../lib/save";
import { Button } from "../../ui/Button";
import { Badge } from "../../ui/Marks";
import { Segmented } from "../../ui/Segmented";
import { Failed, SkeletonRows } from "../../ui/States";
import type { Bounds } from "../monitor/span";
import { type Call, calls, exportCalls } from "./api";

export function CallsCard({ span }: { span: Pick<Bounds, "start" | "end"> }) {
  const { t } = useTranslation("usage");
  const { t: c } = useTranslation();
  const id = useId();
  const [which, setWhich] = useState<"all" | "failed">("all");
  const query = useInfiniteQuery(calls(span, which === "failed"));
  const file = useMutation({
    mutationFn: () => exportCalls(span),
    onSuccess: (blob) => saveBlob(`model-calls ${span.start.slice(0, 10)} ${span.end.slice(0, 10)}.csv`, blob),
    onError: (error) => toast.error(messageOf(error)),
  });
  const rows = query.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <section className="monitor-card" aria-labelledby={id} aria-busy={query.isFetching}>
      <header className="flex items-center gap-3 flex-wrap min-h-7">
        <h2 id={id} className="font-semibold flex-1">
          {t("calls.title")}
        </h2>
        <Segmented
          label={t("calls.which")}
          value={which}
          onChange={setWhich}
          segments={[
            { value: "all", label: t("calls.all") },
            { value: "failed", label: t("calls.failed") },
          ]}
        />
        <Button size="sm" icon={Download} busy={file.isPending} disabled={rows.length === 0} onClick={() => file.mutate()}>
          {t("calls.export")}
        </Button>
      </header>
      {query.isPending ? (
        <SkeletonRows rows={5} height={36} slow={c("common.slow")} label={c("common.loading")} />
      ) : query.error ? (
        <Failed title={t("calls.wrong")} text={messageOf(query.error)} retry={{ label: c("common.retry"), onClick: () => void query.refetch() }} />
      ) : rows.length === 0 ? (
        <p className="text-ink-3 py-6 text-center">{t(which === "failed" ? "calls.noneFailed" : "calls.empty")}</p>
      ) : (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
          <div className="overflow-auto" role="region" aria-labelledby={id} tabIndex={0}>
            <table className="usage-table">
              <thead>
                <tr>
                  <th scope="col">{t("calls.at")}</th>
                  <th scope="col" data-start>
                    {t("calls.model")}
                  </th>
                  <th scope="col" data-start>
                    {t("calls.for")}
                  </th>
                  <th scope="col">{t("calls.tokens")}</th>
                  <th scope="col">{t("calls.money")}</th>
                  <th scope="col">{t("calls.first")}</th>
                  <th scope="col">{t("calls.took")}</th>
                  <th scope="col" data-start>
                    {t("calls.outcome")}
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map((call) => (
                  <Row key={call.id} call={call} />
                ))}
              </tbody>
            </table>
          </div>
          {query.hasNextPage ? (
            <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              {t("calls.more")}
            </Button>
          ) : null}
        </>
      )}
    </section>
  );
}

function Row({ call }: { call: Call }) {
  const { t } = useTranslation("usage");
  const format = useFormat();
  const who = [call.key_name, call.app_name, call.user_name ?? call.user_id].filter(Boolean).join(" · ");
  return (
    <tr>
      <th scope="row">{format.dateTime(call.created_at)}</th>
      <td data-start title={call.provider}>
        {call.model}
        {call.wanted_model ? <span className="text-ink-3"> {t("calls.insteadOf", { model: call.wanted_model })}</span> : null}
        {call.route ? (
          <>
            {" "}
            <span title={call.rule ?? undefined}>
              <Badge>{t(`calls.route.${call.route}`)}</Badge>
            </span>
          </>
        ) : null}
      </td>
      <td data-start className="max-w-[220px] truncate" title={who}>
        {who || "–"}
      </td>
      <td title={call.estimated ? t("calls.estimatedHint") : undefined}>
        {call.estimated ? "≈ " : ""}
        {format.number(call.prompt_tokens)} + {format.number(call.completion_tokens)}
        {call.units && call.unit ? (
          <span className="text-ink-3"> · {t(`calls.unit.${call.unit}`, { count: call.units, shown: format.number(call.units) })}</span>
        ) : null}
      </td>
      <td title={call.cache && call.saved_price ? t("calls.wouldCost", { money: format.money(Number(call.saved_price), call.currency) }) : undefined}>
        {format.money(Number(call.price), call.currency)}
      </td>
      <td>{call.first_token_ms === null || call.first_token_ms === undefined ? "–" : format.duration(call.first_token_ms / 1000)}</td>
      <td>{format.duration(call.latency_ms / 1000)}</td>
      <td data-start>
        <Badge tone={call.outcome === "ok" ? "ok" : call.outcome === "cancelled" ? "plain" : "bad"}>
          {t(call.cache ? `calls.cache.${call.cache}` : `outcome.${call.outcome}`)}
        </Badge>
      </td>
    </tr>
  );
}
