/** How the numbers of the monitor are written. */
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import type { Change, Unit } from "./figures";

export interface Numbers {
  readonly value: (unit: Unit, value: number | undefined) => string;
  /** Short, for the axis. */
  readonly mark: (unit: Unit, value: number) => string;
  readonly change: (change: Change) => string;
  /** A day at the axis, and in full. */
  readonly day: (date: string) => string;
  readonly longDay: (date: string) => string;
  /** A time in the account's zone; `hours` where a day has several. */
  readonly at: (unix: number, hours: boolean) => string;
  readonly longAt: (unix: number, hours: boolean) => string;
}

export function useNumbers(zone: string): Numbers {
  const { i18n } = useTranslation();
  const format = useFormat();
  const language = i18n.language;
  return useMemo(() => {
    const number = (options: Intl.NumberFormatOptions) => new Intl.NumberFormat(language, options);
    const short = number({ notation: "compact", maximumFractionDigits: 1 });
    const two = number({ maximumFractionDigits: 2 });
    const price = number({ style: "currency", currency: "USD", currencyDisplay: "narrowSymbol", notation: "compact", maximumSignificantDigits: 2 });
    const percent = number({ style: "percent", maximumFractionDigits: 1 });
    const points = number({ maximumFractionDigits: 1, signDisplay: "exceptZero" });
    const moved = number({ style: "percent", maximumFractionDigits: 0, signDisplay: "exceptZero" });
    const date = (options: Intl.DateTimeFormatOptions, timeZone: string) => new Intl.DateTimeFormat(language, { ...options, timeZone });
    // A day of an answer is one already: it has no zone to be moved by.
    const dayShort = date({ day: "numeric", month: "short" }, "UTC");
    const dayLong = date({ weekday: "short", day: "numeric", month: "short", year: "numeric" }, "UTC");
    const timeShort = date({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, zone);
    const timeLong = date({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, zone);
    const atShort = date({ day: "numeric", month: "short" }, zone);
    const value = (unit: Unit, given: number | undefined): string => {
      if (given === undefined) return "–";
      if (unit === "money") return format.money(given);
      if (unit === "seconds") return format.duration(given);
      if (unit === "percent") return percent.format(given);
      if (unit === "count") return given >= 1_000_000 ? short.format(given) : format.number(Math.round(given * 10) / 10);
      return two.format(given);
    };
    const mark = (unit: Unit, given: number): string => {
      if (given === 0) return "0";
      if (unit === "money") return price.format(given);
      if (unit === "ratio") return two.format(given);
      return unit === "count" || unit === "rate" ? short.format(given) : value(unit, given);
    };
    return {
      value,
      mark,
      change: (change) => (change.points ? points.format(change.value * 100) : moved.format(change.value)),
      day: (text) => dayShort.format(Date.parse(`${text}T00:00:00Z`)),
      longDay: (text) => dayLong.format(Date.parse(`${text}T00:00:00Z`)),
      at: (unix, hours) => (hours ? timeShort : atShort).format(unix * 1000),
      longAt: (unix, hours) => (hours ? timeLong : atShort).format(unix * 1000),
    };
  }, [language, format, zone]);
}
