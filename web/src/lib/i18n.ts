/** Texts: one file per area and language, loaded when an area is first shown. */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";

export type Language = "en" | "zh-Hans";
export const LANGUAGES: readonly { id: Language; name: string; wire: string }[] = [
  { id: "en", name: "English", wire: "en-US" },
  { id: "zh-Hans", name: "简体中文", wire: "zh-Hans" },
];

type Loader = () => Promise<{ default: Record<string, unknown> }>;
const FILES = import.meta.glob<{ default: Record<string, unknown> }>("../locales/*/*.json");

export function languageOf(text: string | null | undefined): Language {
  return /^zh/i.test(text ?? "") ? "zh-Hans" : "en";
}

export function wireLanguage(language: string): string {
  return LANGUAGES.find((l) => l.id === language)?.wire ?? "en-US";
}

export function storedLanguage(): Language {
  return languageOf(localStorage.getItem("oxidify.language") ?? navigator.language);
}

export async function startI18n(): Promise<void> {
  i18next.use(initReactI18next);
  i18next.use({
    type: "backend",
    init: () => undefined,
    read: (language: string, area: string, done: (error: Error | null, texts: Record<string, unknown> | false) => void) => {
      const load: Loader | undefined = FILES[`../locales/${language}/${area}.json`];
      if (!load) return done(new Error(`no texts for ${language}/${area}`), false);
      load().then(
        (file) => done(null, file.default),
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error)), false),
      );
    },
  });
  await i18next.init({
    lng: storedLanguage(),
    fallbackLng: "en",
    supportedLngs: LANGUAGES.map((l) => l.id),
    ns: ["shell"],
    defaultNS: "shell",
    interpolation: { escapeValue: false },
    react: { useSuspense: true },
  });
}

export async function setLanguage(language: Language): Promise<void> {
  localStorage.setItem("oxidify.language", language);
  document.documentElement.lang = language;
  await i18next.changeLanguage(language);
}
