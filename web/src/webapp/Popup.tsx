/** Dialogs on the browser's own `<dialog>`: it traps the focus, closes on Esc and gives the focus back. */

import { type ReactNode, useEffect, useId, useRef } from "react";
import { X } from "./icons";
import { useSay } from "./words";

interface DialogProps {
  readonly label: string;
  readonly kind: "box" | "drawer" | "sheet";
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Popup({ label, kind, onClose, children }: DialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const say = useSay();
  useEffect(() => {
    const element = dialog.current;
    if (!element) return;
    if (!element.open) element.showModal();
    element.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => element.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc is the dialog's own; this is only the click beside it
    <dialog
      ref={dialog}
      className={`popup ${kind}`}
      aria-labelledby={kind === "drawer" ? undefined : titleId}
      aria-label={kind === "drawer" ? label : undefined}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div className="popup-body">
        {kind !== "drawer" && (
          <header className="popup-head">
            <h2 id={titleId}>{label}</h2>
            <button type="button" className="icon" aria-label={say("action.close")} onClick={onClose}>
              <X size={18} />
            </button>
          </header>
        )}
        {children}
      </div>
    </dialog>
  );
}
