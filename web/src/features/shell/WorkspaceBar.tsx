/** The bar of the pages that belong to the workspace: its name, a switcher, help. */
import { useQuery } from "@tanstack/react-query";
import { ChevronsUpDown, CircleHelp } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { workspace, workspaces } from "../../data/session";
import { post } from "../../lib/http";
import { IconButton } from "../../ui/Button";
import { initials } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";
import { openShortcuts } from "./state";

/** `children`: what the page has to say at the end of it. */
export function WorkspaceBar({ children }: { readonly children?: ReactNode }) {
  const { t } = useTranslation();
  const name = useQuery(workspace).data?.name ?? "";
  const all = useQuery(workspaces).data?.workspaces ?? [];
  const mark = (
    <>
      <span className="size-5 rounded-xs bg-inverse text-on-inverse inline-flex items-center justify-center text-11 font-semibold" aria-hidden>
        {initials(name).slice(0, 1)}
      </span>
      <span className="font-semibold truncate">{name}</span>
    </>
  );
  return (
    <header className="bar">
      {all.length > 1 ? (
        <Menu
          align="start"
          entries={all.map((space) => ({
            key: space.id,
            label: space.name,
            checked: space.current,
            onSelect: () => void post("/workspaces/switch", { tenant_id: space.id }).then(() => window.location.assign("/apps")),
          }))}
          trigger={
            <button type="button" className="btn" data-kind="quiet" style={{ color: "var(--text-1)", padding: "0 6px" }}>
              {mark}
              <ChevronsUpDown size={14} strokeWidth={1.9} className="text-ink-3" aria-hidden />
            </button>
          }
        />
      ) : (
        <div className="flex items-center gap-2 min-w-0">{mark}</div>
      )}
      <div className="flex-1" />
      {children}
      <IconButton icon={CircleHelp} label={t("shortcuts.title")} keys="?" onClick={() => openShortcuts(true)} />
    </header>
  );
}
