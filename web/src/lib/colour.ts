/** Colours of an app's own choice, made readable: pure sums over `#rrggbb`. */
type Rgb = readonly [number, number, number];

export function parseColour(text: string | null | undefined): Rgb | null {
  const match = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text?.trim() ?? "");
  if (!match) return null;
  const hex = match[1] ?? "";
  const full = hex.length === 3 ? [...hex].map((digit) => digit + digit).join("") : hex;
  const number = Number.parseInt(full, 16);
  return [(number >> 16) & 255, (number >> 8) & 255, number & 255];
}

const hexOf = (rgb: Rgb): string => `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
const mixed = (a: Rgb, b: Rgb, part: number): Rgb => [a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part, a[2] + (b[2] - a[2]) * part];

function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}

export function contrast(a: Rgb, b: Rgb): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];
const INK: Rgb = [30, 27, 23];

/** The colour, moved towards `to` until it can be read on `ground`. */
function readable(colour: Rgb, ground: Rgb, to: Rgb, wanted: number): Rgb {
  for (let part = 0; part < 1; part += 0.05) {
    const next = mixed(colour, to, part);
    if (contrast(next, ground) >= wanted) return next;
  }
  return to;
}

/** The accent roles of the design, from one colour, for a theme whose surface is `ground`. */
export function accentRoles(colour: Rgb, ground: Rgb, dark: boolean): Readonly<Record<string, string>> {
  const onAccent = contrast(colour, WHITE) >= 4.5 ? WHITE : contrast(colour, INK) >= 4.5 ? INK : WHITE;
  const accent = onAccent === WHITE ? readable(colour, WHITE, BLACK, 4.5) : colour;
  const soft = mixed(ground, colour, dark ? 0.16 : 0.1);
  const text = readable(colour, soft, dark ? WHITE : BLACK, 4.6);
  return {
    "--accent": hexOf(accent),
    "--accent-hover": hexOf(mixed(accent, BLACK, 0.1)),
    "--accent-press": hexOf(mixed(accent, BLACK, 0.2)),
    "--on-accent": hexOf(onAccent),
    "--accent-text": hexOf(text),
    "--accent-soft": hexOf(soft),
    "--accent-line": hexOf(mixed(ground, colour, 0.35)),
    "--focus": hexOf(readable(colour, ground, dark ? WHITE : BLACK, 3)),
  };
}
