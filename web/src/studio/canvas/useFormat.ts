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
  const decimals = (digits: number) => new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const [none, one, two] = [decimals(0), decimals(1), decimals(2)];
  const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const dateTime = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  return {
    duration: (value) => {
      // Symbols of units are the same in every language.
      if (value < 0.1) return `${none.format(Math.max(0, value) * 1000)} ms`;
      return `${(value < 100 ? two : one).format(value)} s`;
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
