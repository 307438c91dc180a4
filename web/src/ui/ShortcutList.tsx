import { useTranslation } from "react-i18next";
import { Kbd } from "./Kbd";

const GROUPS: Readonly<Record<string, readonly (readonly [name: string, ...keys: string[]])[]>> = {
  everywhere: [
    ["palette", "mod+K"],
    ["help", "?"],
    ["rail", "["],
    ["goApps", "G", "A"],
    ["goKnowledge", "G", "K"],
    ["goTools", "G", "T"],
    ["goSettings", "G", "S"],
    ["closeTop", "esc"],
  ],
  lists: [
    ["filter", "/"],
    ["next", "J"],
    ["previous", "K"],
    ["open", "enter"],
    ["newItem", "C"],
    ["rename", "E"],
    ["duplicate", "D"],
    ["pin", "P"],
  ],
  app: [
    ["tabs", "alt+1", "alt+5"],
    ["publish", "mod+shift+P"],
    ["send", "mod+enter"],
  ],
  canvas: [
    ["run", "alt+R"],
    ["addNode", "N"],
    ["undo", "mod+Z"],
    ["tray", "mod+."],
  ],
};

export function ShortcutList() {
  const { t } = useTranslation();
  return (
    <div className="grid gap-x-10 gap-y-5 sm:grid-cols-2" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(260px, 1fr))" }}>
      {Object.entries(GROUPS).map(([group, rows]) => (
        <section key={group}>
          <h3 className="text-11 text-ink-3 font-medium mb-1">{t(`shortcuts.${group}`)}</h3>
          <ul>
            {rows.map(([name, ...keys]) => (
              <li key={name} className="flex items-center gap-1.5 h-8 border-b border-line-1">
                <span className="flex-1">{t(`shortcuts.${name}`)}</span>
                {keys.map((key) => (
                  <Kbd key={key} keys={key} />
                ))}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}
