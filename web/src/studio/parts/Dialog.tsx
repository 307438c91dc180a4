/** A modal dialog on the native element: the browser traps the focus and gives it back. */
import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { IconButton } from "./controls";

interface Props {
  readonly title: string;
  readonly closeLabel: string;
  readonly wide?: boolean;
  readonly onClose: () => void;
  readonly footer?: ReactNode;
  readonly children: ReactNode;
}

export function Dialog({ title, closeLabel, wide, onClose, footer, children }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={element} className={wide ? "st-dialog wide" : "st-dialog"} aria-labelledby={id} onCancel={(e) => { e.preventDefault(); onClose(); }}>
      <header className="st-between">
        <h2 id={id}>{title}</h2>
        <IconButton label={closeLabel} icon={X} onClick={onClose} />
      </header>
      <div className="st-dialog-body">{children}</div>
      {footer ? <footer>{footer}</footer> : null}
    </dialog>
  );
}
