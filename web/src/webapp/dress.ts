/** What the site's settings change about the page itself: its colours, and how it installs. Loaded after the page. */
import { accentRoles, parseColour } from "../lib/colour";
import type { Site } from "./wire";

const LIGHT = [255, 255, 255] as const;
const DARK = [26, 24, 22] as const;
const SIZES = [192, 512] as const;

const rules = (roles: Readonly<Record<string, string>>): string =>
  Object.entries(roles)
    .map(([name, value]) => `${name}:${value}`)
    .join(";");

/** The colour of the site instead of ours, in both themes. */
export function dressColours(site: Site): void {
  const colour = parseColour(site.colour);
  if (!colour) return;
  const style = document.createElement("style");
  style.textContent = `:root,[data-theme="light"]{${rules(accentRoles(colour, LIGHT, false))}}[data-theme="dark"]{${rules(accentRoles(colour, DARK, true))}}`;
  document.head.append(style);
  if (site.colourOnBar) document.documentElement.dataset.bar = "coloured";
}

function drawnIcon(site: Site, size: number): string | null {
  const canvas = document.createElement("canvas");
  canvas.width = size;
  canvas.height = size;
  const pen = canvas.getContext("2d");
  if (!pen) return null;
  pen.fillStyle = site.iconBackground ?? site.colour ?? "#B5451D";
  pen.fillRect(0, 0, size, size);
  pen.fillStyle = site.icon ? "#1E1B17" : "#FFFFFF";
  pen.font = `600 ${Math.round(size * 0.55)}px "Inter Variable", system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(site.icon ?? ([...site.title][0] ?? "").toUpperCase(), size / 2, size * 0.54);
  return canvas.toDataURL("image/png");
}

/** Each app installs as an app of its own, with its name, sign and address. */
export function manifestOf(site: Site, address: URL, icons: readonly { readonly src: string; readonly sizes: string; readonly type?: string }[]) {
  return {
    id: address.pathname,
    name: site.title || "Oxidify",
    short_name: (site.title || "Oxidify").slice(0, 24),
    ...(site.description ? { description: site.description } : {}),
    start_url: `${address.origin}${address.pathname}`,
    scope: `${address.origin}${address.pathname}`,
    display: "standalone",
    background_color: "#FFFFFF",
    theme_color: "#FFFFFF",
    icons,
  };
}

export function dressInstall(site: Site): void {
  if (document.querySelector("link[rel=manifest]")) return;
  const drawn = SIZES.flatMap((size) => {
    const src = drawnIcon(site, size);
    return src ? [{ src, sizes: `${size}x${size}`, type: "image/png" }] : [];
  });
  const icons = site.iconUrl ? [{ src: new URL(site.iconUrl, window.location.href).href, sizes: "512x512" }, ...drawn] : drawn;
  const text = JSON.stringify(manifestOf(site, new URL(window.location.href), icons));
  const link = document.createElement("link");
  link.rel = "manifest";
  link.href = URL.createObjectURL(new Blob([text], { type: "application/manifest+json" }));
  document.head.append(link);
}
