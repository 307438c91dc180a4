/** A menu behind a button: arrow keys move, Enter chooses, Esc closes. */
import type { LucideIcon } from "lucide-react";
import { type KeyboardEvent, type MouseEvent, type ReactNode, useState } from "react";
import { Popover } from "./popover";

export interface MenuItem {
  readonly id: string;
  readonly label: string;
  readonly icon?: LucideIcon;
  readonly keys?: string;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  readonly run: () => void;
}

interface Props {
  readonly label: string;
  readonly items: readonly MenuItem[];
  readonly trigger: (props: { onClick: (event: MouseEvent<HTMLElement>) => void; "aria-haspopup": "menu"; "aria-expanded": boolean }) => ReactNode;
}

export function moveFocus(event: KeyboardEvent, selector: string): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0) return;
  event.preventDefault();
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>(selector)];
  const focused = document.activeElement;
  const now = focused instanceof HTMLElement ? items.indexOf(focused) : -1;
  items[(now + step + items.length) % items.length]?.focus();
}

export function Menu({ label, items, trigger }: Props) {
  const [at, setAt] = useState<{ x: number; y: number; flipTo: number }>();
  const open = (event: MouseEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    setAt({ x: box.right - 220, y: box.bottom + 4, flipTo: box.top - 4 });
  };
  return (
    <>
      {trigger({ onClick: open, "aria-haspopup": "menu", "aria-expanded": at !== undefined })}
      {at ? (
        <Popover at={at} className="st-menu" role="menu" label={label} onClose={() => setAt(undefined)} onKeyDown={(e) => moveFocus(e, "[role=menuitem]:not(:disabled)")}>
          {items.map((item) => (
            <button
              key={item.id}
              type="button"
              role="menuitem"
              className="st-option"
              data-danger={item.danger}
              disabled={item.disabled}
              onClick={() => {
                setAt(undefined);
                item.run();
              }}
            >
              {item.icon ? <item.icon size={14} strokeWidth={1.9} aria-hidden /> : null}
              <span className="st-grow">{item.label}</span>
              {item.keys ? <kbd className="st-key">{item.keys}</kbd> : null}
            </button>
          ))}
        </Popover>
      ) : null}
    </>
  );
}
