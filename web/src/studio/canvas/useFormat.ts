/** Times, numbers and money in the reader's language. */
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

export interface Format {
  readonly duration: (seconds: number) => string;
  readonly number: (value: number) => string;
  readonly money: (value: number, currency: string) => string;
  readonly time: (ms: number) => string;
  readonly dateTime: (ms: number) => string;
}

export function makeFormat(language: string): Format {
  const number = new Intl.NumberFormat(language);
  const seconds = (digits: number) =>
    new Intl.NumberFormat(language, { style: "unit", unit: "second", unitDisplay: "short", minimumFractionDigits: digits, maximumFractionDigits: digits });
  const millis = new Intl.NumberFormat(language, { style: "unit", unit: "millisecond", unitDisplay: "short", maximumFractionDigits: 0 });
  const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const dateTime = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const two = seconds(2);
  const one = seconds(1);
  return {
    duration: (value) => {
      if (value < 0.1) return millis.format(Math.max(0, value) * 1000);
      return value < 100 ? two.format(value) : one.format(value);
    },
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
