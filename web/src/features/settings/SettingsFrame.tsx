import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import {
  Building2,
  ChevronRight,
  Columns3,
  Globe,
  Keyboard,
  type LucideIcon,
  Package,
  Palette,
  PlugZap,
  Server,
  Share2,
  UserRound,
  Users,
  Wallet,
  Waypoints,
} from "lucide-react";
import { type ReactNode, Suspense, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { workspace } from "../../data/session";
import { useKeys } from "../../lib/keys";
import { Kbd } from "../../ui/Kbd";

interface Row {
  readonly key: string;
  readonly icon: LucideIcon;
  readonly to:
    | "/settings/general"
    | "/settings/members"
    | "/settings/models"
    | "/settings/usage"
    | "/settings/playground"
    | "/settings/gateway"
    | "/settings/extensions"
    | "/settings/sources"
    | "/settings/network"
    | "/settings/server"
    | "/settings/profile"
    | "/settings/appearance"
    | "/settings/shortcuts";
}

const GROUPS: readonly { readonly key: string; readonly rows: readonly Row[] }[] = [
  {
    key: "workspace",
    rows: [
      { key: "general", icon: Building2, to: "/settings/general" },
      { key: "members", icon: Users, to: "/settings/members" },
    ],
  },
  {
    key: "build",
    rows: [
      { key: "models", icon: Package, to: "/settings/models" },
      { key: "usage", icon: Wallet, to: "/settings/usage" },
      { key: "playground", icon: Columns3, to: "/settings/playground" },
      { key: "gateway", icon: Share2, to: "/settings/gateway" },
      { key: "sources", icon: Waypoints, to: "/settings/sources" },
      { key: "extensions", icon: PlugZap, to: "/settings/extensions" },
    ],
  },
  {
    key: "operate",
    rows: [
      { key: "network", icon: Globe, to: "/settings/network" },
      { key: "server", icon: Server, to: "/settings/server" },
    ],
  },
  {
    key: "you",
    rows: [
      { key: "profile", icon: UserRound, to: "/settings/profile" },
      { key: "appearance", icon: Palette, to: "/settings/appearance" },
      { key: "shortcuts", icon: Keyboard, to: "/settings/shortcuts" },
    ],
  },
];

export function SettingsFrame({ page, children }: { page: string; children: ReactNode }) {
  const { t } = useTranslation("settings");
  const navigate = useNavigate();
  const name = useQuery(workspace).data?.name ?? "";
  useKeys({ Escape: () => void navigate({ to: "/apps" }) });
  const list = useRef<HTMLElement>(null);
  // On a phone the list is a strip that may begin far from the page it shows.
  useEffect(() => {
    const current = list.current?.querySelector(`[href="${page}"]`) ?? list.current?.querySelector("[aria-current=page]");
    current?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }, [page]);
  const title = GROUPS.flatMap((g) => g.rows).find((row) => page.endsWith(`/${row.key}`));
  return (
    <>
      <header className="bar">
        <div className="flex items-center gap-1.5 text-ink-3 whitespace-nowrap min-w-0">
          <span className="truncate">{name}</span>
          <ChevronRight size={12} strokeWidth={2} aria-hidden />
          {t("crumb")}
          {title ? (
            <>
              <ChevronRight size={12} strokeWidth={2} aria-hidden />
              <b className="text-ink-1 font-semibold">{t(`nav.${title.key}`)}</b>
            </>
          ) : null}
        </div>
        <div className="flex-1" />
        <Link to="/apps" className="btn" data-kind="quiet">
          {t("close")} <Kbd keys="esc" />
        </Link>
      </header>
      <div className="settings">
        <nav className="side" aria-label={t("label")} ref={list}>
          {GROUPS.map((group) => (
            <div key={group.key}>
              <div className="side-head">{t(`group.${group.key}`)}</div>
              {group.rows.map(({ key, icon: Icon, to }) => (
                <Link key={key} to={to} className="side-row" activeProps={{ "aria-current": "page" }}>
                  <Icon size={16} strokeWidth={1.75} aria-hidden />
                  {t(`nav.${key}`)}
                </Link>
              ))}
            </div>
          ))}
        </nav>
        <div className="flex-1 min-w-0 overflow-auto">
          <div className="max-w-[1120px] px-8 max-md:px-4 py-6 flex flex-col gap-5">
            <Suspense fallback={<div aria-busy="true" />}>{children}</Suspense>
          </div>
        </div>
      </div>
    </>
  );
}

export function PageHead({ title, text, children }: { title: string; text?: string; children?: ReactNode }) {
  return (
    <div className="flex items-end gap-2.5 flex-wrap">
      <div className="flex-1 min-w-[200px]">
        <h1 className="text-20 font-semibold">{title}</h1>
        {text ? <p className="text-ink-2">{text}</p> : null}
      </div>
      {children}
    </div>
  );
}
