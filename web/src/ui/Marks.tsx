import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

export type Tone = "ok" | "bad" | "warn" | "run" | "acc" | "pau" | "line" | "plain";

export function Badge({ tone = "plain", icon: Icon, children }: { tone?: Tone; icon?: LucideIcon | undefined; children: ReactNode }) {
  return (
    <span className="badge" data-tone={tone}>
      {Icon ? <Icon size={12} strokeWidth={2} aria-hidden /> : null}
      {children}
    </span>
  );
}

export const Dot = ({ tone }: { tone: Tone }) => <span className="dot" data-tone={tone} aria-hidden />;

export function Tile({ cat, size, children }: { cat?: string | undefined; size?: "xs" | "lg" | undefined; children: ReactNode }) {
  return (
    <span className="tile" data-cat={cat} data-size={size} aria-hidden>
      {children}
    </span>
  );
}

function hueOf(text: string): number {
  let sum = 0;
  for (const char of text) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 9973;
  return sum % 5;
}

export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const first = [...(words[0] ?? "")][0] ?? "?";
  const last = words.length > 1 ? ([...(words.at(-1) ?? "")][0] ?? "") : "";
  return (first + last).toUpperCase();
}

export function Avatar({ name, url, size = 22 }: { name: string; url?: string | null | undefined; size?: number }) {
  return (
    <span className="avatar" data-hue={hueOf(name)} style={{ width: size, height: size }} aria-hidden>
      {url ? <img src={url} alt="" className="size-full object-cover" /> : initials(name)}
    </span>
  );
}

export function Logo({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <circle cx="10" cy="13.6" r="6.6" stroke="var(--accent)" strokeWidth="3.6" />
      <circle cx="19" cy="5.2" r="3" fill="var(--cat-knowledge)" />
    </svg>
  );
}
