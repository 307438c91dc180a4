/** What the rules of the workspace refused lately, and why. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { allApps } from "../../../data/apps";
import { type RefusedCalls, refusals } from "../../../data/policies";
import { useFormat } from "../../../lib/format";
import { errorDetails, messageOf } from "../../../lib/http";
import { Segmented } from "../../../ui/Segmented";
import { Failed, SkeletonRows } from "../../../ui/States";
import { PolicyCard } from "./fields";

const SPANS = [1, 7, 30] as const;

export function RefusalsCard() {
  const { t } = useTranslation("policies");
  const { t: c } = useTranslation();
  const [days, setDays] = useState<number>(7);
  const query = useQuery(refusals(days));
  const spans = SPANS.map((span) => ({ value: String(span), label: t("refusals.days", { count: span }) }));
  return (
    <PolicyCard title={t("refusals.title")} text={t("refusals.text")}>
      <Segmented label={t("refusals.span")} value={String(days)} onChange={(next) => setDays(Number(next))} segments={spans} />
      {query.isPending ? (
        <SkeletonRows rows={2} height={44} slow={c("common.slow")} label={c("common.loading")} />
      ) : query.error ? (
        <Failed
          title={t("refusals.failed")}
          text={messageOf(query.error)}
          retry={{ label: c("common.retry"), onClick: () => void query.refetch() }}
          details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(query.error) }}
        />
      ) : query.data.data.length === 0 ? (
        <p className="text-ink-3">{t("refusals.none")}</p>
      ) : (
        <ul className="flex flex-col gap-3">
          {query.data.data.map((one) => (
            <Refusal key={`${one.reason} ${one.model}`} one={one} />
          ))}
        </ul>
      )}
    </PolicyCard>
  );
}

function Refusal({ one }: { one: RefusedCalls }) {
  const { t } = useTranslation("policies");
  const format = useFormat();
  const apps = useQuery(allApps).data?.data ?? [];
  const app = one.last_app_id ? (apps.find((known) => known.id === one.last_app_id)?.name ?? one.last_app_id) : undefined;
  return (
    <li className="border border-line-1 rounded-md p-3 flex flex-col gap-1 min-w-0">
      <div className="flex items-baseline gap-x-3 gap-y-1 flex-wrap">
        <span className="font-medium">{t(`refusals.reasons.${one.reason}`)}</span>
        <span className="mono break-all min-w-0">{one.model}</span>
        <span className="num ms-auto">{t("refusals.count", { count: one.count, number: format.number(one.count) })}</span>
      </div>
      <p className="text-ink-2 break-words">{one.last_why}</p>
      <p className="text-ink-3">
        <time dateTime={new Date(one.last_at * 1000).toISOString()} title={format.dateTime(one.last_at)}>
          {t("refusals.last", { ago: format.ago(one.last_at) })}
        </time>
        {app ? ` · ${t("refusals.app", { name: app })}` : null}
      </p>
    </li>
  );
}
