/** The one rail: search, the places, health, settings, account. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import {
  ChevronsUpDown,
  Compass,
  Keyboard,
  LayoutGrid,
  LibraryBig,
  LogOut,
  Palette as PaletteIcon,
  Search,
  Settings,
  ShieldQuestion,
  UserRound,
  Wrench,
} from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { allApps } from "../../data/apps";
import { installedApps } from "../../data/explore";
import { health, profile, useForget, workspaces } from "../../data/session";
import { post } from "../../lib/http";
import { LANGUAGES, setLanguage, wireLanguage } from "../../lib/i18n";
import { setTheme, type Theme, useTheme } from "../../lib/theme";
import { AppTile } from "../../ui/AppTile";
import { Kbd } from "../../ui/Kbd";
import { Avatar, Dot, Logo, type Tone } from "../../ui/Marks";
import { Menu, type MenuEntry } from "../../ui/Menu";
import { Tip } from "../../ui/Tip";
import { allDatasets } from "../knowledge/api";
import { useKnowledgeRights } from "../knowledge/rights";
import { WaitingCalls } from "../tools/WaitingCalls";
import { openPalette, openShortcuts, toggleRail } from "./state";

function WhenClosed({ open, text, keys, children }: { open: boolean; text: string; keys?: string; children: ReactNode }) {
  return open ? (
    children
  ) : (
    <Tip text={text} keys={keys} side="right">
      {children}
    </Tip>
  );
}

export function Rail({ open }: { open: boolean }) {
  const { t } = useTranslation();
  const apps = useQuery(allApps);
  const knowledge = useKnowledgeRights();
  const datasets = useQuery({ ...allDatasets, enabled: open && knowledge });
  return (
    <nav className="rail" aria-label={t("workspace")}>
      <button
        type="button"
        className="rail-logo"
        aria-label={`Oxidify: ${t(open ? "nav.close" : "nav.open")}`}
        aria-expanded={open}
        onClick={() => toggleRail(open)}
      >
        <Logo />
        {open ? <span className="font-semibold text-14">Oxidify</span> : null}
      </button>
      {open ? (
        <button type="button" className="inp mb-2" style={{ height: 30 }} onClick={() => openPalette(true)}>
          <Search size={14} strokeWidth={1.9} aria-hidden />
          <span className="text-ink-3 flex-1 text-start truncate">{t("nav.search")}</span>
          <Kbd keys="mod+K" />
        </button>
      ) : (
        <WhenClosed open={open} text={t("nav.search")} keys="mod+K">
          <button type="button" className="nav" aria-label={t("nav.search")} onClick={() => openPalette(true)}>
            <Search size={16} strokeWidth={1.75} aria-hidden />
          </button>
        </WhenClosed>
      )}
      <WhenClosed open={open} text={t("nav.apps")}>
        <Link to="/apps" className="nav" activeProps={{ "aria-current": "page" }} {...(open ? {} : { "aria-label": t("nav.apps") })}>
          <LayoutGrid size={16} strokeWidth={1.75} aria-hidden />
          <span className="lab">{t("nav.apps")}</span>
          {open && apps.data ? <span className="ms-auto text-11 text-ink-3 num">{apps.data.total}</span> : null}
        </Link>
      </WhenClosed>
      {knowledge ? (
        <WhenClosed open={open} text={t("nav.knowledge")}>
          <Link
            to="/datasets"
            className="nav"
            activeOptions={{ exact: false }}
            activeProps={{ "aria-current": "page" }}
            {...(open ? {} : { "aria-label": t("nav.knowledge") })}
          >
            <LibraryBig size={16} strokeWidth={1.75} aria-hidden />
            <span className="lab">{t("nav.knowledge")}</span>
            {open && datasets.data ? <span className="ms-auto text-11 text-ink-3 num">{datasets.data.total}</span> : null}
          </Link>
        </WhenClosed>
      ) : null}
      <WhenClosed open={open} text={t("nav.tools")}>
        <Link
          to="/tools"
          className="nav"
          activeOptions={{ exact: false, includeSearch: false }}
          activeProps={{ "aria-current": "page" }}
          {...(open ? {} : { "aria-label": t("nav.tools") })}
        >
          <Wrench size={16} strokeWidth={1.75} aria-hidden />
          <span className="lab">{t("nav.tools")}</span>
        </Link>
      </WhenClosed>
      <WhenClosed open={open} text={t("nav.explore")}>
        <Link
          to="/explore"
          className="nav"
          activeOptions={{ exact: false }}
          activeProps={{ "aria-current": "page" }}
          {...(open ? {} : { "aria-label": t("nav.explore") })}
        >
          <Compass size={16} strokeWidth={1.75} aria-hidden />
          <span className="lab">{t("nav.explore")}</span>
        </Link>
      </WhenClosed>
      {open ? <Pinned /> : null}
      <div className="rail-gap flex-1" />
      <WaitingCalls>
        {(label, count, show) => (
          <WhenClosed open={open} text={label}>
            <button type="button" className="nav" aria-label={label} onClick={show}>
              <ShieldQuestion size={16} strokeWidth={1.75} className="text-warning" aria-hidden />
              <span className="lab truncate">{label}</span>
              {open ? null : <span className="text-11 num">{count}</span>}
            </button>
          </WhenClosed>
        )}
      </WaitingCalls>
      <HealthRow open={open} />
      <WhenClosed open={open} text={t("nav.settings")}>
        <Link to="/settings/models" className="nav" activeOptions={{ exact: false }} activeProps={{ "aria-current": "page" }} aria-label={t("nav.settings")}>
          <Settings size={16} strokeWidth={1.75} aria-hidden />
          <span className="lab">{t("nav.settings")}</span>
        </Link>
      </WhenClosed>
      <AccountMenu open={open} />
    </nav>
  );
}

/** So many stand in the rail; the others are in Explore. */
const MOST_PINNED = 8;

function Pinned() {
  const { t } = useTranslation();
  const pinned = useQuery(installedApps).data?.filter((each) => each.is_pinned) ?? [];
  if (pinned.length === 0) return null;
  return (
    <section aria-label={t("nav.pinned")} className="mt-3">
      <div className="text-11 text-ink-3 font-medium px-2 pb-1" aria-hidden>
        {t("nav.pinned")}
      </div>
      {pinned.slice(0, MOST_PINNED).map(({ id, app }) => (
        <Link key={id} to="/app/$appId" params={{ appId: app.id }} className="nav" title={app.name}>
          <AppTile app={app} size="xs" />
          <span className="lab truncate">{app.name}</span>
        </Link>
      ))}
    </section>
  );
}

function HealthRow({ open }: { open: boolean }) {
  const { t } = useTranslation();
  const { data, error } = useQuery(health);
  const state: { tone: Tone; text: string } = error
    ? { tone: "bad", text: t("health.unknown") }
    : data && data.status !== "ok"
      ? { tone: "warn", text: t("health.degraded") }
      : { tone: "ok", text: t("health.ok") };
  return (
    <WhenClosed open={open} text={state.text}>
      <Link to="/settings/server" className="nav" aria-label={state.text}>
        <span className="inline-flex w-4 justify-center">
          <Dot tone={state.tone} />
        </span>
        <span className="lab truncate">{state.text}</span>
      </Link>
    </WhenClosed>
  );
}

const THEMES: readonly Theme[] = ["light", "dark", "system"];

function AccountMenu({ open }: { open: boolean }) {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const forget = useForget();
  const theme = useTheme();
  const me = useQuery(profile).data;
  const spaces = useQuery(workspaces).data?.workspaces ?? [];
  const name = me?.name ?? "";
  const entries: MenuEntry[] = [
    { key: "profile", label: t("account.profile"), icon: UserRound, onSelect: () => void navigate({ to: "/settings/profile" }) },
    { key: "appearance", label: t("account.appearance"), icon: PaletteIcon, onSelect: () => void navigate({ to: "/settings/appearance" }) },
    { key: "shortcuts", label: t("account.shortcuts"), icon: Keyboard, keys: "?", onSelect: () => openShortcuts(true) },
    { key: "l1", line: true },
    { key: "h1", head: t("account.theme") },
    ...THEMES.map((id) => ({ key: id, label: t(`theme.${id}`), checked: theme === id, onSelect: () => setTheme(id) })),
    { key: "h2", head: t("account.language") },
    ...LANGUAGES.map(({ id, name: label }) => ({
      key: id,
      label,
      checked: i18n.language === id,
      onSelect: () => {
        void setLanguage(id);
        post("/account/interface-language", { interface_language: wireLanguage(id) }).catch(() => undefined);
      },
    })),
  ];
  if (spaces.length > 1) {
    entries.push({ key: "l2", line: true }, { key: "h3", head: t("account.workspaces") });
    for (const space of spaces) {
      entries.push({
        key: space.id,
        label: space.name,
        checked: space.current,
        onSelect: () => {
          void post("/workspaces/switch", { tenant_id: space.id }).then(() => window.location.assign("/apps"));
        },
      });
    }
  }
  entries.push(
    { key: "l3", line: true },
    {
      key: "out",
      label: t("account.signOut"),
      icon: LogOut,
      onSelect: () => {
        void post("/logout")
          .catch(() => undefined)
          .then(() => {
            forget();
            window.location.assign("/signin");
          });
      },
    },
  );
  return (
    <div className="rail-account">
      <Menu
        side="top"
        align="start"
        entries={entries}
        head={
          me ? (
            <div className="px-2 py-1.5">
              <div className="font-medium truncate">{name}</div>
              <div className="text-12 text-ink-3 truncate">{me.email}</div>
            </div>
          ) : null
        }
        trigger={
          <button type="button" className="nav">
            <span className="visually-hidden">{t("nav.menu")} </span>
            <Avatar name={name || "?"} url={me?.avatar_url} />
            <span className="lab truncate flex-1 text-start">{name}</span>
            {open ? <ChevronsUpDown size={14} strokeWidth={1.9} aria-hidden /> : null}
          </button>
        }
      />
    </div>
  );
}
