import type { ReactNode } from "react";
import { SunMoon } from "./icons";
import { Menu, type MenuItem } from "./Menu";
import { setTheme, type Theme, useTheme } from "./theme";
import { LANGUAGES, setLanguage, useLanguage, useSay } from "./words";

/** Theme, language and what the app says about itself. */
export function Looks({ onAbout }: { onAbout: () => void }): ReactNode {
  const say = useSay();
  const theme = useTheme();
  const language = useLanguage();
  const themes: readonly Theme[] = ["system", "light", "dark"];
  const items: MenuItem[] = [
    ...themes.map((name, index) => ({
      key: name,
      label: say(`theme.${name}`),
      checked: theme === name,
      act: () => setTheme(name),
      ...(index === 0 ? { heading: say("theme.title") } : {}),
    })),
    ...LANGUAGES.map((item, index) => ({
      key: item.id,
      label: item.name,
      checked: language === item.id,
      act: () => void setLanguage(item.id),
      ...(index === 0 ? { heading: say("language.title") } : {}),
    })),
    { key: "about", label: say("about.action"), heading: say("about.more"), act: onAbout },
  ];
  return <Menu label={say("theme.menu")} icon={<SunMoon size={16} />} items={items} side="above" />;
}
