/** Keys of the studio. Single keys are off while somebody types or a dialog is open. */
import { type RefObject, useEffect } from "react";
import type { Direction } from "../model/neighbours";
import {
  closeInspector,
  closePalette,
  copySelection,
  duplicateSelection,
  highlight,
  nudge,
  openPalette,
  openSide,
  pasteClip,
  removeSelection,
  select,
  tidy,
  toggleTray,
  toNeighbour,
} from "../store/actions";
import { kindOf } from "../nodes/registry";
import { requestPublish, requestRun } from "../store/requests";
import { stopRun } from "../store/runner";
import { isReadOnly, redo, set, undo, useStudio } from "../store/studio";
import { getView } from "../store/view";
import { hasMod, isTyping } from "./keys";

const ARROWS: Readonly<Record<string, Direction>> = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };
const STEP = 8;
const POINTER: readonly ("pointerdown" | "pointerup" | "pointercancel")[] = ["pointerdown", "pointerup", "pointercancel"];

const state = () => useStudio.getState();

function modKey(event: KeyboardEvent): (() => void) | undefined {
  const key = event.key.toLowerCase();
  if (event.shiftKey) {
    if (key === "z") return redo;
    return key === "p" ? requestPublish : undefined;
  }
  switch (key) {
    case "z":
      return undo;
    case "y":
      return redo;
    case "c":
      return window.getSelection()?.toString() ? undefined : () => void copySelection();
    case "d":
      return duplicateSelection;
    case "a":
      return () => select([...state().document.nodes.keys()]);
    case "1":
      return () => getView()?.fit();
    case "o":
      return () => tidy((id) => getView()?.sizeOf(id));
    case "=":
    case "+":
      return () => getView()?.zoomBy(1.2);
    case "-":
      return () => getView()?.zoomBy(1 / 1.2);
    default:
      return undefined;
  }
}

function altKey(event: KeyboardEvent): (() => void) | undefined {
  switch (event.code) {
    case "KeyR":
      return requestRun;
    case "Period":
      return stopRun;
    case "KeyL":
      return () => set({ treeView: !state().treeView });
    default:
      return undefined;
  }
}

function plainKey(event: KeyboardEvent, onCanvas: boolean): (() => void) | undefined {
  const [only] = state().selection;
  if (event.shiftKey && event.code === "Digit1") return () => getView()?.zoomTo(1);
  if (event.shiftKey && event.code === "Digit5") return () => getView()?.zoomTo(0.5);
  const direction = ARROWS[event.key];
  if (direction && onCanvas) {
    if (!event.shiftKey) return () => toNeighbour(direction);
    const [dx, dy] = { left: [-STEP, 0], right: [STEP, 0], up: [0, -STEP], down: [0, STEP] }[direction];
    return () => nudge(dx ?? 0, dy ?? 0);
  }
  if (event.shiftKey && event.key !== "Shift") return undefined;
  switch (event.key) {
    case "n":
    case "N":
      return () => addBehind(only);
    case "Tab":
      return onCanvas && only && document.activeElement?.closest(".react-flow__node") ? () => addBehind(only) : undefined;
    case "v":
      return () => set({ tool: "pointer" });
    case "h":
      return () => set({ tool: "hand" });
    case "l":
      return only ? () => set({ connecting: only }) : undefined;
    case "Enter":
      return only && onCanvas ? () => set({ inspecting: only, side: undefined }) : undefined;
    case "Delete":
    case "Backspace":
      return removeSelection;
    case "Shift":
      return only ? () => highlight(only) : undefined;
    case "Escape":
      return closeTopmost;
    default:
      return undefined;
  }
}

function addBehind(id: string | undefined): void {
  const { document, viewport } = state();
  const node = id ? document.nodes.get(id) : undefined;
  const at = getView()?.toScreen(node ? { x: node.position.x + 200, y: node.position.y } : { x: -viewport.x + 200, y: -viewport.y + 120 });
  const port = node ? firstFreePort(node.id) : undefined;
  openPalette({ screen: at ?? { x: 200, y: 120 }, ...(node && port ? { from: { source: node.id, sourceHandle: port } } : {}) });
}

/** The first port without an edge, or the first. */
function firstFreePort(id: string): string | undefined {
  const handles = [...window.document.querySelectorAll<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"] .st-port.out`)];
  const ports = handles.flatMap((h) => h.dataset.handleid ?? []);
  const used = new Set([...state().document.edges.values()].filter((e) => e.source === id).map((e) => e.sourceHandle));
  return ports.find((p) => !used.has(p)) ?? ports[0];
}

function closeTopmost(): void {
  const { palette, connecting, inspecting, side } = state();
  if (palette) closePalette();
  else if (connecting) set({ connecting: undefined });
  else if (inspecting) closeInspector();
  else if (side) openSide(side);
  else set({ selection: new Set(), selectedEdges: new Set() });
}

export function useCanvasKeys(frame: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      // A dialog closes itself, and nothing behind it; a list that has lost the focus is closed from here.
      const dialog = document.querySelector("dialog[open], [role=dialog][data-state=open], [role=alertdialog][data-state=open]");
      const list = document.querySelector("[data-popover]");
      if (event.defaultPrevented || dialog || (list && event.key !== "Escape")) return;
      if (hasMod(event) && event.key === "Enter" && state().inspecting) {
        event.preventDefault();
        const id = state().inspecting;
        const type = id ? state().document.nodes.get(id)?.data.type : undefined;
        if (id && type && kindOf(type).runnable) set({ inspectorTab: "lastRun", nodeRunAsked: id });
        return;
      }
      if (hasMod(event) && event.key === ".") {
        event.preventDefault();
        toggleTray();
        return;
      }
      const typing = isTyping(event.target);
      const onCanvas = !(event.target instanceof Element) || event.target === document.body || Boolean(frame.current?.contains(event.target));
      const action = event.altKey && !hasMod(event) ? altKey(event) : typing ? undefined : hasMod(event) ? modKey(event) : plainKey(event, onCanvas);
      if (!action || (isReadOnly(state()) && !["Escape", "v", "h"].includes(event.key) && !hasMod(event) && !ARROWS[event.key])) return;
      if (event.key !== "Shift") event.preventDefault();
      action();
    };
    const up = (event: KeyboardEvent) => {
      if (event.key === "Shift") highlight(undefined);
    };
    const paste = (event: ClipboardEvent) => {
      if (isTyping(event.target) || isReadOnly(state()) || document.querySelector("dialog[open]")) return;
      if (pasteClip(event.clipboardData?.getData("text/plain"))) event.preventDefault();
    };
    const focus = (event: FocusEvent) => {
      const node = event.target instanceof Element ? event.target.closest<HTMLElement>(".react-flow__node") : null;
      const id = node?.dataset.id;
      if (id && node === event.target && !pressed && !state().selection.has(id)) select([id]);
    };
    // A press selects by itself, and decides between one node and many.
    let pressed = false;
    const press = (event: PointerEvent) => {
      pressed = event.type === "pointerdown";
    };
    for (const type of POINTER) window.addEventListener(type, press, true);
    const element = frame.current;
    window.addEventListener("keydown", down);
    window.addEventListener("keyup", up);
    window.addEventListener("paste", paste);
    element?.addEventListener("focusin", focus);
    return () => {
      for (const type of POINTER) window.removeEventListener(type, press, true);
      window.removeEventListener("keydown", down);
      window.removeEventListener("keyup", up);
      window.removeEventListener("paste", paste);
      element?.removeEventListener("focusin", focus);
    };
  }, [frame]);
}
