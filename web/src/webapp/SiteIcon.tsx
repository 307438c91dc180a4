import { type ReactNode, useState } from "react";
import { MessageCircle } from "./icons";
import type { Site } from "./wire";

/** The app's picture or sign; without one, ours. */
export function SiteIcon({ site, size }: { site: Site; size: number }): ReactNode {
  const [broken, setBroken] = useState(false);
  const style = { width: size, height: size, fontSize: Math.round(size * 0.58) };
  if (site.iconUrl && !broken) return <img className="site-icon" style={style} src={site.iconUrl} alt="" onError={() => setBroken(true)} />;
  if (site.icon) {
    return (
      <span className="site-icon" data-theme="light" style={{ ...style, background: site.iconBackground ?? "var(--accent-soft)" }} aria-hidden="true">
        {site.icon}
      </span>
    );
  }
  return (
    <span className="site-icon own" style={style} aria-hidden="true">
      <MessageCircle size={Math.round(size * 0.56)} />
    </span>
  );
}

/** Title and icon of the browser's tab. */
export function dressTab(site: Site): void {
  if (site.title) document.title = site.title;
  const sign = site.icon ?? "";
  const drawn = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><text x="50" y="54" font-size="84" text-anchor="middle" dominant-baseline="central">${sign}</text></svg>`;
  const href = site.iconUrl ?? (sign && !/[<&]/.test(sign) ? `data:image/svg+xml,${encodeURIComponent(drawn)}` : null);
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  if (link && href) {
    link.removeAttribute("type");
    link.href = href;
  }
}
