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

/** `2.1 s`: a space before a unit in Latin letters, as the field writes it. */
function spaced(format: Intl.NumberFormat, value: number): string {
  return format
    .formatToParts(value)
    .map((part) => (part.type === "unit" && /^[a-z]/i.test(part.value) ? `\u00a0${part.value}` : part.value))
    .join("");
}

export function makeFormat(language: string): Format {
  const plain = new Intl.NumberFormat(language);
  const unit = (name: string, digits: number, least = digits) =>
    new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: digits, minimumFractionDigits: least });
  const narrow = (name: string, digits: number) =>
    new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "narrow", maximumFractionDigits: digits, minimumFractionDigits: digits });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  const dateTime = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  return {
    number: (value) => plain.format(value),
    duration: (seconds, digits = 2) => {
      const ms = Math.max(0, seconds) * 1000;
      // Stored to the microsecond: what is shorter has run all the same.
      if (ms < 0.1) return `<\u2009${spaced(narrow("millisecond", 1), 0.1)}`;
      if (seconds < 0.1) return spaced(narrow("millisecond", ms < 0.95 ? 1 : 0), ms);
      return spaced(narrow("second", seconds < 100 ? digits : 0), seconds);
    },
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
