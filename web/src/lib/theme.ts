/** The colour theme: the reader's choice, or the system's. `boot.js` applies it before the first paint. */
import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark" | "system";
const listeners = new Set<() => void>();

export function theme(): Theme {
  const stored = localStorage.getItem("oxidify.theme");
  return stored === "light" || stored === "dark" ? stored : "system";
}

function apply(): void {
  const chosen = theme();
  const dark = chosen === "dark" || (chosen === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  for (const listener of listeners) listener();
}

export function setTheme(next: Theme): void {
  if (next === "system") localStorage.removeItem("oxidify.theme");
  else localStorage.setItem("oxidify.theme", next);
  apply();
}

export function watchSystemTheme(): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, theme);
}
