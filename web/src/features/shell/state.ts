import { create } from "zustand";

interface ShellState {
  /** What the person chose; without a choice lists open the rail and the studio closes it. */
  readonly rail: boolean | undefined;
  readonly palette: boolean;
  readonly shortcuts: boolean;
}

const stored = typeof localStorage === "undefined" ? null : localStorage.getItem("oxidify.rail");

export const useShell = create<ShellState>(() => ({ rail: stored === null ? undefined : stored === "open", palette: false, shortcuts: false }));

export function toggleRail(now: boolean): void {
  localStorage.setItem("oxidify.rail", now ? "closed" : "open");
  useShell.setState({ rail: !now });
}

export const openPalette = (palette: boolean) => useShell.setState({ palette });
export const openShortcuts = (shortcuts: boolean) => useShell.setState({ shortcuts });
