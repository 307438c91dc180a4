/** A button with a list of actions: arrow keys, Esc, a click beside it. */

import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Check } from "./icons";

export interface MenuItem {
  readonly key: string;
  readonly label: string;
  readonly icon?: ReactNode;
  readonly checked?: boolean;
  readonly danger?: boolean;
  /** A heading before this item. */
  readonly heading?: string;
  readonly act: () => void;
}

interface MenuProps {
  readonly label: string;
  readonly icon: ReactNode;
  readonly items: readonly MenuItem[];
  readonly className?: string;
  /** Where the list opens, seen from the button. */
  readonly side?: "below" | "above";
}

export function Menu({ label, icon, items, className = "icon", side = "below" }: MenuProps): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = (back: boolean): void => {
    setOpen(false);
    if (back) button.current?.focus();
  };

  useLayoutEffect(() => {
    const element = list.current;
    const anchor = button.current;
    if (!isOpen || !element || !anchor) return;
    // Fixed, so that no scrolling list cuts it off; kept inside the window.
    const at = anchor.getBoundingClientRect();
    const { width, height } = element.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.right - width), window.innerWidth - width - 8);
    const under = at.bottom + 4;
    const top = side === "above" || under + height > window.innerHeight - 8 ? Math.max(8, at.top - height - 4) : under;
    element.style.left = `${left}px`;
    element.style.top = `${top}px`;
    element.querySelector<HTMLElement>("[role^=menuitem]")?.focus();
  }, [isOpen, side]);

  useEffect(() => {
    if (!isOpen) return;
    const away = (event: Event): void => {
      if (event.target instanceof Node && !frame.current?.contains(event.target)) setOpen(false);
    };
    const gone = (): void => setOpen(false);
    document.addEventListener("pointerdown", away);
    window.addEventListener("resize", gone);
    return () => {
      document.removeEventListener("pointerdown", away);
      window.removeEventListener("resize", gone);
    };
  }, [isOpen]);

  const move = (event: KeyboardEvent): void => {
    const rows = [...(list.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
    const at = rows.findIndex((row) => row.matches(":focus"));
    const step = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close(true);
    } else if (event.key === "Tab") close(false);
    else if (step !== undefined) {
      event.preventDefault();
      rows[(step + rows.length) % rows.length]?.focus();
    }
  };

  return (
    <div className="menu" ref={frame}>
      <button
        ref={button}
        type="button"
        className={className}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        {icon}
      </button>
      {isOpen && (
        <div ref={list} className="menu-list" role="menu" aria-label={label} tabIndex={-1} onKeyDown={move}>
          {items.map((item) => (
            <div key={item.key} role="none">
              {item.heading && <div className="menu-heading">{item.heading}</div>}
              {/* biome-ignore lint/a11y/useAriaPropsSupportedByRole: checked is only there with the role menuitemradio */}
              <button
                type="button"
                role={item.checked === undefined ? "menuitem" : "menuitemradio"}
                aria-checked={item.checked}
                tabIndex={-1}
                className={item.danger ? "danger" : undefined}
                onClick={() => {
                  close(true);
                  item.act();
                }}
              >
                {item.icon}
                <span className="grow">{item.label}</span>
                {item.checked && <Check size={14} />}
              </button>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
