/** The frame of every signed-in page. */
import { useLocation, useNavigate } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { useKeys, useSequence } from "../../lib/keys";
import { useNarrow } from "../../lib/media";
import { Rail } from "./Rail";
import { openPalette, openShortcuts, toggleRail, useShell } from "./state";

const Palette = lazy(() => import("./Palette").then((m) => ({ default: m.Palette })));
const Shortcuts = lazy(() => import("./Shortcuts").then((m) => ({ default: m.Shortcuts })));

export function Shell({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const path = useLocation({ select: (l) => l.pathname });
  const { rail, palette, shortcuts } = useShell();
  const narrow = useNarrow();
  const open = narrow
    ? false
    : path === "/apps" || path === "/datasets" || path === "/tools" || path === "/explore"
      ? rail !== false
      : rail === true && !path.startsWith("/app/") && !path.endsWith("/pipeline");
  useKeys({
    "mod+k": () => openPalette(!palette),
    "?": () => openShortcuts(true),
    "[": () => toggleRail(open),
  });
  useSequence("g", {
    a: () => void navigate({ to: "/apps" }),
    k: () => void navigate({ to: "/datasets" }),
    t: () => void navigate({ to: "/tools" }),
    s: () => void navigate({ to: "/settings/models" }),
  });
  return (
    <div className="app" data-open={open}>
      <a href="#content" className="btn skip">
        {t("skip")}
      </a>
      <Rail open={open} />
      <main className="main" id="content" tabIndex={-1}>
        {children}
      </main>
      <Suspense fallback={null}>
        {palette ? <Palette /> : null}
        {shortcuts ? <Shortcuts /> : null}
      </Suspense>
    </div>
  );
}
