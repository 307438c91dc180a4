import { Monitor, Moon, Sun } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { post } from "../../lib/http";
import { LANGUAGES, languageOf, setLanguage, wireLanguage } from "../../lib/i18n";
import { setTheme, useTheme } from "../../lib/theme";
import { Segmented } from "../../ui/Segmented";
import { ShortcutList } from "../../ui/ShortcutList";
import { PageHead } from "./SettingsFrame";

export function Appearance() {
  const { t, i18n } = useTranslation("settings");
  const { t: c } = useTranslation();
  const theme = useTheme();
  const [density, setDensity] = useState(document.documentElement.dataset.density === "comfortable" ? ("comfortable" as const) : ("compact" as const));
  return (
    <>
      <PageHead title={t("appearance.title")} />
      <div className="flex flex-col gap-5 items-start">
        <Row label={t("appearance.theme")}>
          <Segmented
            label={t("appearance.theme")}
            value={theme}
            onChange={setTheme}
            segments={[
              { value: "light", label: c("theme.light"), icon: Sun },
              { value: "dark", label: c("theme.dark"), icon: Moon },
              { value: "system", label: c("theme.system"), icon: Monitor },
            ]}
          />
        </Row>
        <Row label={t("appearance.language")}>
          <Segmented
            label={t("appearance.language")}
            value={languageOf(i18n.language)}
            onChange={(id) => {
              void setLanguage(id);
              post("/account/interface-language", { interface_language: wireLanguage(id) }).catch(() => undefined);
            }}
            segments={LANGUAGES.map(({ id, name }) => ({ value: id, label: name }))}
          />
        </Row>
        <Row label={t("appearance.density")}>
          <Segmented
            label={t("appearance.density")}
            value={density}
            onChange={(next) => {
              setDensity(next);
              localStorage.setItem("oxidify.density", next);
              if (next === "comfortable") document.documentElement.dataset.density = next;
              else delete document.documentElement.dataset.density;
            }}
            segments={[
              { value: "compact", label: t("appearance.compact") },
              { value: "comfortable", label: t("appearance.comfortable") },
            ]}
          />
        </Row>
      </div>
    </>
  );
}

function Row({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div className="flex flex-col gap-1.5">
      <div className="lbl">{label}</div>
      {children}
    </div>
  );
}

export function ShortcutsPage() {
  const { t } = useTranslation("settings");
  const { t: c } = useTranslation();
  return (
    <>
      <PageHead title={t("shortcuts.title")} text={c("shortcuts.note")} />
      <ShortcutList />
    </>
  );
}
