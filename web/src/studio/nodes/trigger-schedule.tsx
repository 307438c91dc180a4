import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, listOf, text } from "./schema";

export const FREQUENCIES = ["hourly", "daily", "weekly", "monthly"];
export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const schema = z.looseObject({
  ...baseShape,
  mode: z.string().nullish().catch("visual").transform((v) => v || "visual"),
  frequency: z.string().nullish().catch("daily").transform((v) => v || "daily"),
  visual_config: z
    .looseObject({
      time: z.string().nullish().catch("12:00 AM").transform((v) => v || "12:00 AM"),
      on_minute: z.number().nullish().catch(0).transform((v) => v ?? 0),
      weekdays: listOf(z.string()),
      monthly_days: listOf(z.union([z.number(), z.literal("last")])),
    })
    .catch({ time: "12:00 AM", on_minute: 0, weekdays: ["sun"], monthly_days: [1] }),
  cron_expression: text,
  timezone: z.string().nullish().catch("UTC").transform((v) => v || "UTC"),
});
export type ScheduleData = z.infer<typeof schema>;

/** "02:30 PM" as "14:30", the form time fields use. */
export function to24(time: string): string {
  const read = /^\s*(\d{1,2}):(\d{2})\s*([AaPp][Mm])?\s*$/.exec(time);
  if (!read) return "00:00";
  const [, hour = "0", minute = "00", half] = read;
  const base = half ? Number(hour) % 12 : Number(hour);
  const full = half?.toUpperCase() === "PM" ? base + 12 : base;
  return `${String(full).padStart(2, "0")}:${minute}`;
}

/** And back, the form the format stores. */
export function to12(time: string): string {
  const [hour = 0, minute = 0] = time.split(":").map(Number);
  const half = hour < 12 ? "AM" : "PM";
  return `${String(hour % 12 || 12).padStart(2, "0")}:${String(minute).padStart(2, "0")} ${half}`;
}

function check(data: ScheduleData): KindProblem[] {
  if (data.mode === "cron") return data.cron_expression.trim().split(/\s+/).length === 5 ? [] : [{ code: "badCron" }];
  if (data.frequency === "weekly" && data.visual_config.weekdays.length === 0) return [{ code: "noWeekdays" }];
  if (data.frequency === "monthly" && data.visual_config.monthly_days.length === 0) return [{ code: "noDays" }];
  return [];
}

function Card({ data }: { data: ScheduleData }) {
  const { t } = useTranslation("studio");
  const time = to24(data.visual_config.time);
  if (data.mode === "cron") return <CardLine mono>{data.cron_expression || t("schedule.noCron")}</CardLine>;
  const text =
    data.frequency === "hourly"
      ? t("schedule.short.hourly", { minute: data.visual_config.on_minute })
      : data.frequency === "weekly"
        ? `${data.visual_config.weekdays.map((d) => t(`schedule.days.${d}`, { defaultValue: d })).join(" ")}, ${time}`
        : data.frequency === "monthly"
          ? `${data.visual_config.monthly_days.map((d) => (d === "last" ? t("schedule.lastDay") : d)).join(", ")}; ${time}`
          : t("schedule.short.daily", { time });
  return (
    <>
      <CardLine>{text}</CardLine>
      <CardLine mono>{data.timezone}</CardLine>
    </>
  );
}

export const triggerSchedule = defineKind<ScheduleData>({
  type: "trigger-schedule",
  modes: ["workflow"],
  hasInput: false,
  starts: true,
  unique: true,
  schema,
  defaults: () => ({
    mode: "visual",
    frequency: "daily",
    visual_config: { time: "12:00 AM", on_minute: 0, weekdays: ["sun"], monthly_days: [1] },
    cron_expression: "",
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
  }),
  outputs: () => [],
  check,
  Card,
  Panel: lazy(() => import("../panels/SchedulePanel").then((m) => ({ default: m.SchedulePanel }))),
});
