/** Texts of published pages: one file per language, loaded when it is needed; no library, to stay small. */
import { isRecord, type Json } from "../lib/read";
import { readKey, writeKey } from "./storage";
import { createStore, useStore } from "./store";

export type Language = "en" | "zh-Hans";
export const LANGUAGES: readonly { id: Language; name: string }[] = [
  { id: "en", name: "English" },
  { id: "zh-Hans", name: "简体中文" },
];

const KEY = "oxidify.webapp.language";
const FILES: Record<Language, () => Promise<{ default: Json }>> = {
  en: () => import("../locales/en/webapp.json"),
  "zh-Hans": () => import("../locales/zh-Hans/webapp.json"),
};

export type Values = Readonly<Record<string, string | number>>;
export type Say = (key: string, values?: Values) => string;

/** Finds a dotted key; `count` chooses between `key_one` and `key_other`. */
export function phrase(texts: Json, language: string, key: string, values: Values = {}): string {
  const find = (path: string): string | undefined => {
    let at: unknown = texts;
    for (const part of path.split(".")) at = isRecord(at) ? at[part] : undefined;
    return typeof at === "string" ? at : undefined;
  };
  const count = values.count;
  const form = typeof count === "number" ? new Intl.PluralRules(language).select(count) : undefined;
  const found = (form && (find(`${key}_${form}`) ?? find(`${key}_other`))) ?? find(key) ?? key;
  return found.replace(/\{\{\s*(\w+)\s*\}\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? value.toLocaleString(language) : value;
  });
}

interface Words {
  readonly language: Language;
  readonly say: Say;
}
const store = createStore<Words>({ language: "en", say: (key) => key });

export function languageOf(name: string | null | undefined): Language | null {
  if (!name) return null;
  return /^zh/i.test(name) ? "zh-Hans" : "en";
}

/** The address's wish, the reader's choice, the site's language, the browser's: the first that is there. */
export function chooseLanguage(wanted: string | null, site: string | null): Language {
  return languageOf(wanted) ?? languageOf(readKey(KEY)) ?? languageOf(site) ?? languageOf(navigator.language) ?? "en";
}

export async function loadLanguage(language: Language): Promise<void> {
  const texts = (await FILES[language]()).default;
  document.documentElement.lang = language;
  store.set(() => ({ language, say: (key, values) => phrase(texts, language, key, values) }));
}

export async function setLanguage(language: Language): Promise<void> {
  writeKey(KEY, language);
  await loadLanguage(language);
}

export const useSay = (): Say => useStore(store, (words) => words.say);
export const useLanguage = (): Language => useStore(store, (words) => words.language);
/** For code outside components. */
export const say: Say = (key, values) => store.get().say(key, values);
