/** ⌘K: apps, places and commands from what is already loaded. */
import { useQuery } from "@tanstack/react-query";
import { useLocation, useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import {
  Activity,
  Code,
  Compass,
  FileDown,
  Hammer,
  LayoutGrid,
  LibraryBig,
  type LucideIcon,
  Moon,
  Package,
  Plus,
  Rocket,
  Search,
  Sun,
  SunMoon,
  UserRound,
  Users,
  Wrench,
} from "lucide-react";
import { Dialog } from "radix-ui";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { allApps, isGraph } from "../../data/apps";
import { useRights } from "../../data/session";
import { setTheme } from "../../lib/theme";
import { AppTile } from "../../ui/AppTile";
import { Kbd } from "../../ui/Kbd";
import { Tile } from "../../ui/Marks";
import { openPalette } from "./state";

interface Row {
  readonly key: string;
  readonly label: string;
  readonly icon: LucideIcon;
  readonly keys?: string;
  readonly run: () => void;
}

/** Every word typed is somewhere in the names; a name that begins with it comes first. */
function matches(_value: string, search: string, keywords?: string[]): number {
  const text = (keywords ?? []).join(" ").toLocaleLowerCase();
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (!words.every((word) => text.includes(word))) return 0;
  return text.startsWith(words[0] ?? "") ? 1 : 0.5;
}

export function Palette() {
  const { t } = useTranslation();
  const { t: s } = useTranslation("settings");
  const navigate = useNavigate();
  const rights = useRights();
  const path = useLocation({ select: (l) => l.pathname });
  const [query, setQuery] = useState("");
  const apps = useQuery(allApps).data?.data ?? [];
  const here = /^\/app\/([^/]+)/.exec(path)?.[1];
  const current = apps.find((app) => app.id === here);
  const run = (action: () => void) => () => {
    openPalette(false);
    action();
  };
  const parts: Row[] = current
    ? [
        ...(rights.edit
          ? [
              {
                key: "build",
                label: t("tabs.build"),
                icon: Hammer,
                keys: "alt+1",
                run: () => void navigate({ to: isGraph(current.mode) ? "/app/$appId/workflow" : "/app/$appId/configuration", params: { appId: current.id } }),
              },
            ]
          : []),
        {
          key: "logs",
          label: t("tabs.logs"),
          icon: Activity,
          keys: "alt+2",
          run: () => void navigate({ to: "/app/$appId/logs", params: { appId: current.id } }),
        },
        { key: "api", label: t("tabs.api"), icon: Code, keys: "alt+3", run: () => void navigate({ to: "/app/$appId/develop", params: { appId: current.id } }) },
        {
          key: "publish",
          label: t("tabs.publish"),
          icon: Rocket,
          keys: "alt+4",
          run: () => void navigate({ to: "/app/$appId/overview", params: { appId: current.id } }),
        },
      ]
    : [];
  const doing: Row[] = [
    ...(rights.edit
      ? [
          { key: "new", label: t("palette.newApp"), icon: Plus, keys: "C", run: () => void navigate({ to: "/apps", search: { dialog: "create" } }) },
          { key: "knowledge", label: t("palette.newKnowledge"), icon: LibraryBig, run: () => void navigate({ to: "/datasets/create" }) },
          { key: "import", label: t("palette.importApp"), icon: FileDown, run: () => void navigate({ to: "/apps", search: { dialog: "import" } }) },
        ]
      : []),
    { key: "light", label: t("palette.light"), icon: Sun, run: () => setTheme("light") },
    { key: "dark", label: t("palette.dark"), icon: Moon, run: () => setTheme("dark") },
    { key: "system", label: t("palette.system"), icon: SunMoon, run: () => setTheme("system") },
  ];
  const places: Row[] = [
    { key: "apps", label: t("nav.apps"), icon: LayoutGrid, keys: "G A", run: () => void navigate({ to: "/apps" }) },
    ...(rights.edit ? [{ key: "knowledge", label: t("nav.knowledge"), icon: LibraryBig, keys: "G K", run: () => void navigate({ to: "/datasets" }) }] : []),
    { key: "tools", label: t("nav.tools"), icon: Wrench, keys: "G T", run: () => void navigate({ to: "/tools" }) },
    { key: "explore", label: t("nav.explore"), icon: Compass, run: () => void navigate({ to: "/explore" }) },
    { key: "models", label: s("nav.models"), icon: Package, keys: "G S", run: () => void navigate({ to: "/settings/models" }) },
    { key: "members", label: s("nav.members"), icon: Users, run: () => void navigate({ to: "/settings/members" }) },
    { key: "profile", label: s("nav.profile"), icon: UserRound, run: () => void navigate({ to: "/settings/profile" }) },
  ];
  const group = (heading: string, rows: readonly Row[]) =>
    rows.length === 0 ? null : (
      <Command.Group heading={heading}>
        {rows.map(({ key, label, icon: Icon, keys, run: action }) => (
          <Command.Item key={key} value={`${heading} ${label}`} keywords={[label]} className="menu-row" onSelect={run(action)}>
            <Tile>
              <Icon size={14} strokeWidth={1.9} aria-hidden />
            </Tile>
            <span className="flex-1 truncate">{label}</span>
            {keys ? <Kbd keys={keys} /> : null}
          </Command.Item>
        ))}
      </Command.Group>
    );
  return (
    <Dialog.Root open onOpenChange={openPalette}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content className="dialog palette" aria-describedby={undefined} style={{ zIndex: "var(--z-palette)" }}>
          <Dialog.Title className="visually-hidden">{t("palette.title")}</Dialog.Title>
          <Command label={t("palette.title")} className="flex flex-col min-h-0" filter={matches}>
            <div className="flex items-center gap-3 px-4 h-[52px] border-b border-line-1">
              <Search size={18} strokeWidth={1.75} className="text-ink-3" aria-hidden />
              <Command.Input
                autoFocus
                value={query}
                onValueChange={setQuery}
                placeholder={t("palette.placeholder")}
                className="flex-1 bg-transparent outline-none text-16"
              />
            </div>
            <Command.List className="p-1.5 overflow-auto h-[360px]">
              <Command.Empty className="p-6 text-center text-ink-3">{t("palette.none", { query })}</Command.Empty>
              {group(t("palette.parts"), parts)}
              {apps.length > 0 ? (
                <Command.Group heading={t("palette.apps")}>
                  {apps.map((app) => (
                    <Command.Item
                      key={app.id}
                      value={app.id}
                      keywords={[app.name, app.description]}
                      className="menu-row"
                      onSelect={run(() => void navigate({ to: "/app/$appId", params: { appId: app.id } }))}
                    >
                      <AppTile app={app} />
                      <span className="truncate">{app.name}</span>
                      <span className="text-ink-3 text-12 truncate">{t(`modes.${app.mode}.name`)}</span>
                    </Command.Item>
                  ))}
                </Command.Group>
              ) : null}
              {group(t("palette.do"), doing)}
              {group(t("palette.go"), places)}
            </Command.List>
            <footer className="flex items-center gap-4 px-4 h-9 border-t border-line-1 text-12 text-ink-3">
              <span className="flex items-center gap-1.5">
                <Kbd keys="enter" /> {t("palette.open")}
              </span>
              <span className="flex items-center gap-1.5">
                <Kbd keys="up" />
                <Kbd keys="down" /> {t("palette.move")}
              </span>
            </footer>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
