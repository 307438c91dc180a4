/** Numbers, times and money in the reader's language. */
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

export interface Format {
  readonly number: (value: number) => string;
  /** `digits` after the point, for seconds. */
  readonly duration: (seconds: number, digits?: number) => string;
  readonly money: (value: number, currency?: string) => string;
  readonly dateTime: (unix: number) => string;
  readonly time: (unix: number) => string;
  readonly ago: (unix: number, now?: number) => string;
  readonly bytes: (value: number) => string;
}

const AGES: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** `2.1 s`, `18 ms`: symbols of units are the same in every language. Stored to the microsecond: what is shorter has run all the same. */
export function makeDuration(language: string): Format["duration"] {
  const decimals = (digits: number) => new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return (seconds, digits = 2) => {
    const ms = Math.max(0, seconds) * 1000;
    if (ms < 0.1) return `<\u2009${decimals(1).format(0.1)}\u00a0ms`;
    if (seconds < 0.1) return `${decimals(ms < 0.95 ? 1 : 0).format(ms)}\u00a0ms`;
    return `${decimals(seconds < 100 ? digits : 0).format(seconds)}\u00a0s`;
  };
}

export function makeFormat(language: string): Format {
  const plain = new Intl.NumberFormat(language);
  const unit = (name: string, digits: number, least = digits) =>
    new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: digits, minimumFractionDigits: least });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  const dateTime = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  return {
    number: (value) => plain.format(value),
    duration: makeDuration(language),
    money: (value, currency = "USD") => {
      const digits = value === 0 || value >= 1 ? 2 : 4;
      try {
        return new Intl.NumberFormat(language, {
          style: "currency",
          currency,
          currencyDisplay: "narrowSymbol",
          minimumFractionDigits: digits,
          maximumFractionDigits: digits,
        }).format(value);
      } catch {
        return `${value.toFixed(digits)} ${currency}`;
      }
    },
    dateTime: (unix) => dateTime.format(unix * 1000),
    time: (unix) => time.format(unix * 1000),
    ago: (unix, now = Date.now() / 1000) => {
      const age = now - unix;
      for (const [name, length] of AGES) if (Math.abs(age) >= length) return relative.format(-Math.trunc(age / length), name);
      return relative.format(0, "second");
    },
    bytes: (value) => (value < 1_000_000 ? unit("kilobyte", 0).format(value / 1000) : unit("megabyte", 1, 0).format(value / 1_000_000)),
  };
}

export function useFormat(): Format {
  const { i18n } = useTranslation();
  return useMemo(() => makeFormat(i18n.language), [i18n.language]);
}

/** A text the server sends per language. */
export type Localised = string | Readonly<Record<string, string | undefined>> | null | undefined;

export function inLanguage(text: Localised, language: string): string {
  if (typeof text === "string") return text;
  if (!text) return "";
  return text[language.toLowerCase().startsWith("zh") ? "zh_Hans" : "en_US"] ?? text.en_US ?? "";
}
