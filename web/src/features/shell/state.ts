import { create } from "zustand";
import type { CanvasNode } from "./paletteRows";

interface ShellState {
  /** What the person chose; without a choice lists open the rail and the studio closes it. */
  readonly rail: boolean | undefined;
  readonly palette: boolean;
  readonly shortcuts: boolean;
  /** What is on the open canvas, asked when somebody looks for it. */
  readonly canvas: (() => readonly CanvasNode[]) | undefined;
}

const stored = typeof localStorage === "undefined" ? null : localStorage.getItem("oxidify.rail");

export const useShell = create<ShellState>(() => ({
  rail: stored === null ? undefined : stored === "open",
  palette: false,
  shortcuts: false,
  canvas: undefined,
}));

export function toggleRail(now: boolean): void {
  localStorage.setItem("oxidify.rail", now ? "closed" : "open");
  useShell.setState({ rail: !now });
}

export const openPalette = (palette: boolean) => useShell.setState({ palette });
export const showCanvas = (canvas: ShellState["canvas"]) => useShell.setState({ canvas });
export const openShortcuts = (shortcuts: boolean) => useShell.setState({ shortcuts });
