import { ChevronDown, Languages } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { LANGUAGES, setLanguage } from "../../lib/i18n";
import { Logo } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";
import { strength } from "./rules";

/** The frame of the pages before sign-in: mark, language, the form in the middle. */
export function EntryFrame({ foot, children }: { foot?: ReactNode; children: ReactNode }) {
  const { t, i18n } = useTranslation("session");
  return (
    <div className="flex flex-col min-h-full bg-surface-1 px-6 sm:px-10 py-7 flex-1 min-w-0">
      <header className="flex items-center gap-2.5">
        <Logo size={24} />
        <span className="font-semibold text-16">Oxidify</span>
        <div className="flex-1" />
        <Menu
          entries={LANGUAGES.map(({ id, name }) => ({ key: id, label: name, checked: i18n.language === id, onSelect: () => void setLanguage(id) }))}
          trigger={
            <button type="button" className="btn" data-kind="quiet">
              <Languages size={16} strokeWidth={1.75} aria-hidden />
              <span className="visually-hidden">{t("language")} </span>
              {LANGUAGES.find((l) => l.id === i18n.language)?.name}
              <ChevronDown size={14} strokeWidth={1.9} aria-hidden />
            </button>
          }
        />
      </header>
      <main className="flex-1 flex items-center justify-center py-8">
        <div className="w-full max-w-[394px]">{children}</div>
      </main>
      <footer className="flex gap-4 text-12 text-ink-3 min-h-5">{foot}</footer>
    </div>
  );
}

export function StrengthMeter({ text }: { text: string }) {
  const { t } = useTranslation("session");
  const { level, bars } = strength(text);
  const tone = level === "weak" ? "var(--danger-solid)" : level === "fair" ? "var(--warning-solid)" : "var(--success-solid)";
  return (
    <div className="mt-1.5" aria-live="polite">
      <div className="grid grid-cols-4 gap-1" aria-hidden>
        {[0, 1, 2, 3].map((i) => (
          <span key={i} className="h-1 rounded-full" style={{ background: i < bars ? tone : "var(--surface-4)" }} />
        ))}
      </div>
      {bars > 0 && level !== "weak" ? <div className="text-12 text-success mt-1">{t(`strength.${level}`)}</div> : null}
    </div>
  );
}
