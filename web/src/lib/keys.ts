/** Shortcuts: single letters do nothing while someone types. */
import { useEffect, useRef } from "react";

export type KeyMap = Readonly<Record<string, (event: KeyboardEvent) => void>>;

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
    target.closest("[role=menu],[role=listbox],[role=dialog],[role=alertdialog],dialog,.cm-editor") !== null
  );
}

/** `mod+k`, `alt+1`, `[`, `?`: what a key event is called here. */
export function nameOf(event: KeyboardEvent): string {
  const base =
    event.altKey && /^(Digit|Key)/.test(event.code)
      ? event.code.replace(/^(Digit|Key)/, "").toLowerCase()
      : event.key.length === 1
        ? event.key.toLowerCase()
        : event.key;
  const shift = event.shiftKey && (event.metaKey || event.ctrlKey || event.altKey || event.key.length > 1);
  return `${event.metaKey || event.ctrlKey ? "mod+" : ""}${event.altKey ? "alt+" : ""}${shift ? "shift+" : ""}${base}`;
}

/** How long after the first key of a sequence the second one counts. */
const SEQUENCE = 1200;

/** Keys that follow another one, as `g` `a`. They win over what the second key does by itself. */
export function useSequence(first: string, map: KeyMap): void {
  const latest = useRef(map);
  latest.current = map;
  useEffect(() => {
    let since = 0;
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || isTyping(event.target)) return;
      const name = nameOf(event);
      const action = Date.now() - since < SEQUENCE ? latest.current[name] : undefined;
      since = name === first ? Date.now() : 0;
      if (!action) return;
      event.preventDefault();
      action(event);
    };
    // Before the lists, whose single keys these are too.
    window.addEventListener("keydown", listen, { capture: true });
    return () => window.removeEventListener("keydown", listen, { capture: true });
  }, [first]);
}

/** Keys with mod or alt work everywhere; the others only outside of fields, menus and dialogs. */
export function useKeys(map: KeyMap, enabled = true): void {
  const latest = useRef(map);
  latest.current = map;
  useEffect(() => {
    if (!enabled) return;
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      const name = nameOf(event);
      const action = latest.current[name];
      if (!action || (!/^(mod|alt)\+/.test(name) && isTyping(event.target))) return;
      event.preventDefault();
      action(event);
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [enabled]);
}
