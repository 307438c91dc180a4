/** Times, numbers and money in the reader's language. */
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { makeDuration } from "../../lib/format";

export interface Format {
  readonly duration: (seconds: number) => string;
  readonly number: (value: number) => string;
  readonly money: (value: number, currency: string) => string;
  readonly time: (ms: number) => string;
  readonly dateTime: (ms: number) => string;
}

export function makeFormat(language: string): Format {
  const number = new Intl.NumberFormat(language);
  const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const dateTime = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  return {
    duration: makeDuration(language),
    number: (value) => number.format(value),
    money: (value, currency) => {
      const digits = value === 0 || value >= 1 ? 2 : 4;
      try {
        return new Intl.NumberFormat(language, { style: "currency", currency: currency || "USD", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
      } catch {
        return `${value.toFixed(digits)} ${currency}`;
      }
    },
    time: (ms) => time.format(ms),
    dateTime: (ms) => dateTime.format(ms),
  };
}

export function useFormat(): Format {
  const { i18n } = useTranslation();
  return useMemo(() => makeFormat(i18n.language), [i18n.language]);
}
