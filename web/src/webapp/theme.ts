/** Light, dark or the system's. The key is the Studio's; `boot.js` applies it before the first paint. */

import { readKey, writeKey } from "./storage";
import { createStore, useStore } from "./store";

export type Theme = "light" | "dark" | "system";
const KEY = "oxidify.theme";
const asTheme = (value: string | null): Theme => (value === "light" || value === "dark" ? value : "system");
const store = createStore<{ theme: Theme }>({ theme: asTheme(readKey(KEY)) });

function apply(): void {
  const { theme } = store.get();
  const dark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

/** Follows the system, and `?theme=` of the address for this page view. */
export function startTheme(wanted: string | null): void {
  if (wanted === "light" || wanted === "dark") store.set(() => ({ theme: wanted }));
  apply();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
  // Chosen in another tab, or in the console around this page.
  window.addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    store.set(() => ({ theme: asTheme(event.newValue) }));
    apply();
  });
}

export function setTheme(theme: Theme): void {
  writeKey(KEY, theme === "system" ? null : theme);
  store.set(() => ({ theme }));
  apply();
}

export const useTheme = (): Theme => useStore(store, (state) => state.theme);
