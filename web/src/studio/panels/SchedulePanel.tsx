/** A schedule: by the clock in words, or as a cron expression; with the next times it starts. */
import { useQuery } from "@tanstack/react-query";
import { useDeferredValue } from "react";
import { useTranslation } from "react-i18next";
import { previewSchedule } from "../api";
import { FREQUENCIES, type ScheduleData, to12, to24, WEEKDAYS } from "../nodes/trigger-schedule";
import type { PanelProps } from "../nodes/kind";
import { Button, Field, NumberField, SelectField, TextField, Wrong } from "../parts/controls";
import { useStudio } from "../store/studio";

const DAYS = Array.from({ length: 31 }, (_, i) => i + 1);

export function SchedulePanel({ data, update }: PanelProps<ScheduleData>) {
  const { t } = useTranslation("studio");
  const cron = data.mode === "cron";
  return (
    <>
      <section className="st-section">
        <div className="st-row" role="radiogroup" aria-label={t("schedule.mode")}>
          {["visual", "cron"].map((mode) => (
            <Button key={mode} size="sm" role="radio" aria-checked={data.mode === mode} aria-pressed={data.mode === mode} onClick={() => update({ mode })}>
              {t(`schedule.modes.${mode}`)}
            </Button>
          ))}
        </div>
        {cron ? (
          <TextField label={t("schedule.cron")} mono placeholder="0 9 * * 1-5" hint={t("schedule.cronHint")} value={data.cron_expression} onChange={(cron_expression) => update({ cron_expression })} />
        ) : (
          <Visual data={data} update={update} />
        )}
        <Zone value={data.timezone} onChange={(timezone) => update({ timezone })} />
      </section>
      <NextRuns data={data} />
    </>
  );
}

function Visual({ data, update }: Pick<PanelProps<ScheduleData>, "data" | "update">) {
  const { t } = useTranslation("studio");
  const config = data.visual_config;
  const put = (patch: Partial<ScheduleData["visual_config"]>) => update({ visual_config: { ...config, ...patch } });
  const toggleDay = (day: number | "last") => put({ monthly_days: config.monthly_days.includes(day) ? config.monthly_days.filter((d) => d !== day) : [...config.monthly_days, day] });
  return (
    <>
      <SelectField label={t("schedule.frequency")} value={data.frequency} options={FREQUENCIES.map((f) => ({ value: f, label: t(`schedule.frequencies.${f}`) }))} onChange={(frequency) => update({ frequency })} />
      {data.frequency === "hourly" ? (
        <NumberField label={t("schedule.minute")} min={0} max={59} value={config.on_minute} onChange={(v) => put({ on_minute: Math.min(59, Math.max(0, Math.round(v ?? 0))) })} />
      ) : (
        <Field label={t("schedule.time")}>{({ id }) => <input id={id} type="time" className="st-input st-num" value={to24(config.time)} onChange={(e) => e.target.value && put({ time: to12(e.target.value) })} />}</Field>
      )}
      {data.frequency === "weekly" ? (
        <fieldset className="st-days">
          <legend className="st-label">{t("schedule.weekdays")}</legend>
          {WEEKDAYS.map((day) => (
            <Button key={day} size="sm" aria-pressed={config.weekdays.includes(day)} onClick={() => put({ weekdays: config.weekdays.includes(day) ? config.weekdays.filter((d) => d !== day) : [...config.weekdays, day] })}>
              {t(`schedule.days.${day}`)}
            </Button>
          ))}
        </fieldset>
      ) : null}
      {data.frequency === "monthly" ? (
        <fieldset className="st-days month">
          <legend className="st-label">{t("schedule.monthDays")}</legend>
          {DAYS.map((day) => (
            <Button key={day} size="sm" aria-pressed={config.monthly_days.includes(day)} onClick={() => toggleDay(day)}>
              {day}
            </Button>
          ))}
          <Button size="sm" className="st-wide" aria-pressed={config.monthly_days.includes("last")} onClick={() => toggleDay("last")}>
            {t("schedule.lastDay")}
          </Button>
        </fieldset>
      ) : null}
    </>
  );
}

function zones(): readonly string[] {
  return ["UTC", ...Intl.supportedValuesOf("timeZone").filter((z) => z !== "UTC")];
}

function Zone({ value, onChange }: { value: string; onChange: (zone: string) => void }) {
  const { t } = useTranslation("studio");
  return <SelectField label={t("schedule.zone")} value={value} options={zones().map((z) => ({ value: z, label: z.replaceAll("_", " ") }))} onChange={onChange} />;
}

function NextRuns({ data }: { data: ScheduleData }) {
  const { t, i18n } = useTranslation("studio");
  const owner = useStudio((s) => s.owner);
  const { mode, frequency, visual_config, cron_expression, timezone } = data;
  const config = useDeferredValue(JSON.stringify({ mode, frequency, visual_config, cron_expression, timezone }));
  const ready = mode !== "cron" || cron_expression.trim() !== "";
  const next = useQuery({ queryKey: ["schedule", owner, config], enabled: ready, retry: false, queryFn: () => previewSchedule(owner, JSON.parse(config)), placeholderData: (before) => before });
  if (!ready) return null;
  const format = new Intl.DateTimeFormat(i18n.language, { weekday: "short", year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZone: timezone });
  return (
    <section className="st-section" aria-label={t("schedule.next")}>
      <div className="st-between">
        <span className="st-label">{t("schedule.next")}</span>
        {mode === "cron" ? null : <span className="st-meta st-mono">{next.data?.cron_expression}</span>}
      </div>
      {next.error ? <Wrong>{next.error.message}</Wrong> : null}
      {next.error ? null : (
        <ol className="st-list">
          {(next.data?.next_runs ?? []).map((at) => (
            <li key={at} className="st-num st-hint">
              {format.format(at * 1000)}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
