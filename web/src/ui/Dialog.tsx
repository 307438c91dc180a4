import { X } from "lucide-react";
import { AlertDialog, Dialog as Radix } from "radix-ui";
import { type ReactNode, useState } from "react";
import { Button, IconButton } from "./Button";
import { Field } from "./Field";
import { Input } from "./Input";

interface DialogProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly about?: ReactNode;
  readonly size?: "sm" | "md" | "lg";
  readonly closeLabel: string;
  readonly footer?: ReactNode;
  readonly children: ReactNode;
}

/** Focus goes to the first field, else to the dialog itself: never to the button that closes it. */
function focusFirstField(event: Event): void {
  const dialog = event.currentTarget;
  if (!(dialog instanceof HTMLElement) || dialog.contains(document.activeElement)) return;
  event.preventDefault();
  const field = dialog.querySelector<HTMLElement>("[data-dialog-body] :is(input:not([tabindex='-1']), textarea, [role=combobox])");
  (field ?? dialog).focus();
}

export function Dialog({ open, onClose, title, about, size = "md", closeLabel, footer, children }: DialogProps) {
  return (
    <Radix.Root open={open} onOpenChange={(next) => (next ? undefined : onClose())}>
      <Radix.Portal>
        <Radix.Overlay className="scrim" />
        <Radix.Content className="dialog" data-size={size} onOpenAutoFocus={focusFirstField} {...(about ? {} : { "aria-describedby": undefined })}>
          <header className="flex items-start gap-3 px-5 pt-4 pb-3">
            <div className="flex-1 min-w-0">
              <Radix.Title className="text-16 font-semibold">{title}</Radix.Title>
              {about ? <Radix.Description className="text-13 text-ink-2">{about}</Radix.Description> : null}
            </div>
            <IconButton icon={X} label={closeLabel} size="sm" onClick={onClose} />
          </header>
          <div data-dialog-body="" className="px-5 pb-5 overflow-auto min-h-0 flex-1">
            {children}
          </div>
          {footer ? <footer className="flex items-center justify-end gap-2 px-5 py-3 border-t border-line-1">{footer}</footer> : null}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface ConfirmProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly onConfirm: () => void;
  readonly title: string;
  readonly text: ReactNode;
  readonly confirm: string;
  readonly cancel: string;
  readonly busy?: boolean;
  /** Typed before the button works, for what cannot be undone. */
  readonly typed?: { readonly label: string; readonly text: string };
}

export function Confirm({ open, onClose, onConfirm, title, text, confirm, cancel, busy, typed }: ConfirmProps) {
  const [entered, setEntered] = useState("");
  return (
    <AlertDialog.Root
      open={open}
      onOpenChange={(next) => {
        if (next) return;
        setEntered("");
        onClose();
      }}
    >
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="scrim" />
        <AlertDialog.Content
          className="dialog p-5 gap-3"
          data-size="sm"
          onOpenAutoFocus={(event) => {
            // Where a name has to be typed, that is the next thing to do; else the safe button has the focus.
            const field = event.currentTarget instanceof HTMLElement ? event.currentTarget.querySelector("input") : null;
            if (!field) return;
            event.preventDefault();
            field.focus();
          }}
        >
          <AlertDialog.Title className="text-16 font-semibold">{title}</AlertDialog.Title>
          <AlertDialog.Description asChild>
            <div className="text-14 text-ink-2">{text}</div>
          </AlertDialog.Description>
          {typed ? (
            <Field label={typed.label}>
              <Input value={entered} autoComplete="off" onChange={(event) => setEntered(event.target.value)} />
            </Field>
          ) : null}
          <div className="flex justify-end gap-2 pt-2">
            <AlertDialog.Cancel asChild>
              <Button>{cancel}</Button>
            </AlertDialog.Cancel>
            <Button kind="destroy" busy={busy} disabled={typed !== undefined && entered.trim() !== typed.text.trim()} onClick={onConfirm}>
              {confirm}
            </Button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
