/** The calls of a provider and of its models during the last day; nothing where they are not known. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useRights } from "../../data/session";
import { useFormat } from "../../lib/format";
import { Badge } from "../../ui/Marks";
import { Sparkline } from "../../ui/Sparkline";
import { Tip } from "../../ui/Tip";
import { type ProviderUsage, providerUsage, shareOf } from "./usage";
import "./models.css";

/** Whether it is shown at all: who may not see logs has no figures. */
function useUsage(): ProviderUsage | undefined {
  const rights = useRights();
  return useQuery({ ...providerUsage, enabled: rights.edit }).data;
}

/** `the last 24 h`, or the time since which calls were looked at. */
function useSpan(usage: ProviderUsage | undefined): string {
  const { t } = useTranslation("models");
  const format = useFormat();
  if (!usage || usage.until - usage.since >= 86_399) return t("use.day");
  return t("use.since", { time: format.time(usage.since) });
}

const seconds = (ms: number) => ms / 1000;

/** When the last call was, beside the keys. */
export function LastCall({ provider }: { provider: string }) {
  const { t } = useTranslation("models");
  const format = useFormat();
  const usage = useUsage();
  const span = useSpan(usage);
  if (!usage) return null;
  const use = usage.data.find((one) => one.provider === provider);
  if (!use) return t("use.afterKeys", { text: t("use.none", { span }) });
  return <span className="provider-last">{t("use.afterKeys", { text: t("use.last", { ago: format.ago(use.last_call_at) }) })}</span>;
}

/** The line of its calls and how long they took. */
export function ProviderUse({ provider, name }: { provider: string; name: string }) {
  const { t } = useTranslation("models");
  const format = useFormat();
  const usage = useUsage();
  const span = useSpan(usage);
  const use = usage?.data.find((one) => one.provider === provider);
  if (!use) return null;
  const apps = use.apps > 0 ? t("use.apps", { count: use.apps }) : t("use.noApp");
  const counts = t("use.counts", { calls: t("use.calls", { count: use.calls }), apps, span });
  const failed = use.failed > 0 ? t("use.failed", { count: use.failed }) : "";
  return (
    <div className="provider-use flex items-center gap-2 flex-none text-12 text-ink-2 max-md:order-last max-md:basis-full max-md:ps-12">
      <Sparkline values={use.steps} tone={use.failed * 2 > use.calls ? "bad" : "ok"} label={t("use.line", { name, span, count: use.calls })} />
      <Tip text={failed ? `${counts} ${failed}` : counts}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it has a tip */}
        <span className="flex flex-col leading-4 whitespace-nowrap num" tabIndex={0}>
          {use.latency_p50_ms === null ? (
            <span>{t("use.unanswered")}</span>
          ) : (
            <span>{t("use.p50", { time: format.duration(seconds(use.latency_p50_ms)) })}</span>
          )}
          {use.first_token_p50_ms === null ? null : (
            <span className="text-ink-3">{t("use.first", { time: format.duration(seconds(use.first_token_p50_ms)) })}</span>
          )}
        </span>
      </Tip>
    </div>
  );
}

/** How much of the load a key took, what of it was not answered, and whether it is left alone now. */
export function KeyLoad({ provider, id, name }: { provider: string; id: string; name: string }) {
  const { t, i18n } = useTranslation("models");
  const usage = useUsage();
  const span = useSpan(usage);
  const use = usage?.data.find((one) => one.provider === provider);
  const share = use && shareOf(use, id);
  const key = use?.keys.find((one) => one.credential_id === id);
  const percent = new Intl.NumberFormat(i18n.language, { style: "percent", maximumFractionDigits: 0 });
  const calls = t("use.calls", { count: key?.calls ?? 0 });
  return (
    <>
      {key?.in_cooldown ? (
        <Tip text={t("use.restsText", { count: Math.max(1, key.ttl) })}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it has a tip */}
          <span className="flex-none" tabIndex={0}>
            <Badge tone="warn">{t("use.rests")}</Badge>
          </span>
        </Tip>
      ) : null}
      {share === undefined ? null : (
        <span className="flex items-center gap-2 flex-none text-12 text-ink-2 num whitespace-nowrap" title={t("use.share", { name, calls, span })}>
          <span className="key-share" aria-hidden>
            <span style={{ width: `${share * 100}%` }} />
          </span>
          <span>{percent.format(share)}</span>
          <span className="text-ink-3">{calls}</span>
          {key && key.failed > 0 ? <span className="text-danger">{t("use.keyFailed", { count: key.failed })}</span> : null}
        </span>
      )}
    </>
  );
}

/** By how many apps a model was called. */
export function UsedBy({ provider, model }: { provider: string; model: string }) {
  const { t } = useTranslation("models");
  const usage = useUsage();
  const span = useSpan(usage);
  if (!usage) return <>–</>;
  const use = usage.data.find((one) => one.provider === provider)?.models.find((one) => one.model === model);
  if (!use) return <span className="text-ink-3">{t("use.noCalls")}</span>;
  const apps = use.apps > 0 ? t("use.apps", { count: use.apps }) : t("use.noApp");
  return <span title={t("use.counts", { calls: t("use.calls", { count: use.calls }), apps, span })}>{apps}</span>;
}

/** Its column's head says of when it speaks. */
export function UsedByHead() {
  const { t } = useTranslation("models");
  const span = useSpan(useUsage());
  return <span title={span}>{t("col.used")}</span>;
}
