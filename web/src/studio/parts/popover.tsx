/** A floating panel at a place of the window; closes on Esc and on a press outside. */
import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";

interface Props {
  readonly at: { readonly x: number; readonly y: number; readonly flipTo?: number };
  readonly className: string;
  readonly label: string;
  readonly role?: "dialog" | "menu" | "listbox";
  readonly onClose: () => void;
  readonly onKeyDown?: (event: KeyboardEvent) => void;
  /** False for lists that belong to a field that keeps the focus. */
  readonly focus?: boolean;
  /** False if whoever closes it moves the focus. */
  readonly restore?: boolean;
  readonly children: ReactNode;
}

const MARGIN = 8;

export function Popover({ at, className, label, role = "dialog", onClose, onKeyDown, focus = true, restore = true, children }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ left: at.x, top: at.y });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const { width, height } = element.getBoundingClientRect();
    const left = Math.max(MARGIN, Math.min(at.x, window.innerWidth - width - MARGIN));
    const below = at.y + height + MARGIN <= window.innerHeight;
    const top = below ? at.y : Math.max(MARGIN, (at.flipTo ?? window.innerHeight - MARGIN) - height);
    setPlace({ left, top });
  }, [at.x, at.y, at.flipTo]);
  useEffect(() => {
    const before = document.activeElement;
    if (focus) box.current?.querySelector<HTMLElement>("input,button,[tabindex='0']")?.focus();
    return () => {
      if (focus && restore && before instanceof HTMLElement && before.isConnected && !document.activeElement?.closest("[data-popover]")) before.focus({ preventScroll: true });
    };
  }, [focus, restore]);
  useEffect(() => {
    const press = (event: PointerEvent) => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) onClose();
    };
    document.addEventListener("pointerdown", press, true);
    return () => document.removeEventListener("pointerdown", press, true);
  }, [onClose]);
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      onClose();
    } else onKeyDown?.(event);
  };
  return createPortal(
    // biome-ignore lint/a11y/noStaticElementInteractions: it always has one of the roles above
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: each of them takes a label
    <div ref={box} data-popover className={className} role={role} aria-label={label} style={place} onKeyDown={keys}>
      {children}
    </div>,
    // A modal dialog makes everything outside it inert.
    document.querySelector("dialog[open]") ?? document.body,
  );
}
