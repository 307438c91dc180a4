import { useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { health, systemFeatures } from "../../data/session";
import { errorDetails } from "../../lib/http";
import { Badge } from "../../ui/Marks";
import { Failed, SkeletonRows } from "../../ui/States";
import { PageHead } from "./SettingsFrame";

/** The two largest units of a length of time. */
function span(seconds: number, language: string): string {
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "day"],
    [Math.floor((seconds % 86_400) / 3600), "hour"],
    [Math.floor((seconds % 3600) / 60), "minute"],
    [Math.floor(seconds % 60), "second"],
  ];
  const from = Math.max(
    0,
    parts.findIndex(([value]) => value > 0),
  );
  return parts
    .slice(from, from + 2)
    .map(([value, unit]) => new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }).format(value))
    .join(" ");
}

export function ServerPage() {
  const { t, i18n } = useTranslation("settings");
  const { t: c } = useTranslation();
  const { data, error, refetch, isPending } = useQuery(health);
  const features = useQuery(systemFeatures).data?.oxidify;
  const warnings = [
    ...(data?.findings ?? []),
    ...(features?.scripted_model ? [t("server.scripted")] : []),
    ...(features?.code_unconfined ? [t("server.code")] : []),
  ];
  return (
    <>
      <PageHead title={t("server.title")} text={t("server.text")} />
      {isPending ? <SkeletonRows rows={3} height={48} slow={c("common.slow")} label={c("common.loading")} /> : null}
      {error ? (
        <Failed
          title={t("server.failed")}
          text={c("common.offline")}
          retry={{ label: c("common.retry"), onClick: () => void refetch() }}
          details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(error) }}
        />
      ) : null}
      {data ? (
        <>
          <div className="flex gap-10">
            <div>
              <div className="text-11 text-ink-3">{t("server.version")}</div>
              <div className="text-16 font-semibold num">{data.version}</div>
            </div>
            <div>
              <div className="text-11 text-ink-3">{t("server.uptime")}</div>
              <div className="text-16 font-semibold num">{span(data.uptime_s, i18n.language)}</div>
            </div>
          </div>
          <ul className="card">
            {Object.entries(data.deps).map(([key, dep]) => (
              <li key={key} className="flex items-center gap-3.5 px-3.5 min-h-13 py-2 border-b border-line-1 last:border-b-0">
                {dep.status === "ok" ? (
                  <CircleCheck size={16} strokeWidth={1.75} className="text-success" aria-hidden />
                ) : (
                  <CircleAlert size={16} strokeWidth={1.75} className="text-danger" aria-hidden />
                )}
                <div className="flex-1 min-w-0">
                  <div className="font-medium">{t(`server.${key}`, { defaultValue: key })}</div>
                  <div className={`text-12 ${dep.status === "ok" ? "text-ink-3" : "text-danger"}`}>{dep.error ?? dep.detail}</div>
                </div>
                <span className="text-12 text-ink-3 num">{dep.latency_ms.toFixed(1)} ms</span>
                <Badge tone={dep.status === "ok" ? "ok" : "bad"}>{t(dep.status === "ok" ? "server.ok" : "server.down")}</Badge>
              </li>
            ))}
          </ul>
          <div>
            <h2 className="lbl mb-2">{t("server.findings")}</h2>
            {warnings.length === 0 ? <p className="text-ink-3">{t("server.none")}</p> : null}
            <ul className="flex flex-col gap-2">
              {warnings.map((text) => (
                <li key={text} className="banner" data-tone="warn">
                  <TriangleAlert size={16} aria-hidden />
                  {text}
                </li>
              ))}
            </ul>
          </div>
        </>
      ) : null}
    </>
  );
}
