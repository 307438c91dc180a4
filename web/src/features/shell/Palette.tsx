/** ⌘K: nodes of the open canvas, apps, knowledge, commands and places; what is under the cursor is told beside the list. */
import { Command } from "cmdk";
import { Search } from "lucide-react";
import { Dialog } from "radix-ui";
import { type KeyboardEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Kbd } from "../../ui/Kbd";
import { PalettePreview } from "./PalettePreview";
import { marked, type PaletteRow, search } from "./paletteRows";
import { openPalette, useShell } from "./state";
import { usePaletteGroups } from "./usePaletteGroups";

export function Palette() {
  const { t } = useTranslation();
  const [query, setQuery] = useState("");
  const [value, setValue] = useState("");
  const onCanvas = useShell((s) => s.canvas !== undefined);
  const groups = search(usePaletteGroups(), query);
  const chosen = groups.flatMap((group) => group.rows).find((row) => row.key === value);
  const done = (action: () => void) => {
    openPalette(false);
    action();
  };
  const inNewTab = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey) || !chosen?.href) return;
    event.preventDefault();
    openPalette(false);
    window.open(chosen.href, "_blank", "noopener");
  };
  return (
    <Dialog.Root open onOpenChange={openPalette}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content className="dialog palette" aria-describedby={undefined} style={{ zIndex: "var(--z-palette)" }}>
          <Dialog.Title className="visually-hidden">{t("palette.title")}</Dialog.Title>
          <Command
            label={t("palette.title")}
            className="flex flex-col min-h-0"
            shouldFilter={false}
            value={value}
            onValueChange={setValue}
            onKeyDown={inNewTab}
          >
            <div className="flex items-center gap-3 px-4 h-[52px] border-b border-line-1 flex-none">
              <Search size={18} strokeWidth={1.75} className="text-ink-3" aria-hidden />
              <Command.Input
                autoFocus
                value={query}
                onValueChange={setQuery}
                placeholder={t("palette.placeholder")}
                className="flex-1 min-w-0 bg-transparent outline-none text-16"
              />
              {onCanvas ? <span className="badge max-md:hidden">{t("palette.canvasFirst")}</span> : null}
            </div>
            <div className="palette-body">
              <Command.List className="palette-list">
                {groups.length === 0 ? (
                  <div role="presentation" className="p-6 text-center text-ink-3">
                    {t("palette.none", { query })}
                  </div>
                ) : null}
                {groups.map((group) => (
                  <Command.Group key={group.key} heading={group.heading}>
                    {group.rows.map((row) => (
                      <Row key={row.key} row={row} query={query} onSelect={() => done(row.run)} />
                    ))}
                  </Command.Group>
                ))}
              </Command.List>
              <PalettePreview row={chosen} onDone={done} />
            </div>
            <Foot newTab={chosen?.href !== undefined} />
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Row({ row, query, onSelect }: { row: PaletteRow; query: string; onSelect: () => void }) {
  return (
    <Command.Item value={row.key} className="menu-row" onSelect={onSelect}>
      {row.tile}
      <span className="truncate">
        {marked(row.label, query).map((part, at) =>
          // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text have no other name
          part.hit ? <mark key={at}>{part.text}</mark> : <span key={at}>{part.text}</span>,
        )}
      </span>
      {row.about ? <span className="text-ink-3 text-12 truncate">{row.about}</span> : null}
      {row.keys ? (
        <span className="ms-auto">
          <Kbd keys={row.keys} />
        </span>
      ) : null}
    </Command.Item>
  );
}

function Foot({ newTab }: { newTab: boolean }) {
  const { t } = useTranslation();
  return (
    <footer className="flex items-center gap-4 px-4 h-9 flex-none border-t border-line-1 text-12 text-ink-3 max-md:hidden">
      <span className="flex items-center gap-1.5">
        <Kbd keys="enter" /> {t("palette.open")}
      </span>
      <span className="flex items-center gap-1.5">
        <Kbd keys="up" />
        <Kbd keys="down" /> {t("palette.move")}
      </span>
      {newTab ? (
        <span className="flex items-center gap-1.5">
          <Kbd keys="mod+enter" /> {t("palette.newTab")}
        </span>
      ) : null}
      <span className="ms-auto flex items-center gap-1.5">
        <Kbd keys="@" /> {t("palette.things")}
      </span>
      <span className="flex items-center gap-1.5">
        <Kbd keys="/" /> {t("palette.commands")}
      </span>
    </footer>
  );
}
