import { Check, type LucideIcon } from "lucide-react";
import { DropdownMenu, Popover as RadixPopover } from "radix-ui";
import type { ReactNode } from "react";
import { Kbd } from "./Kbd";

export interface MenuItem {
  readonly key: string;
  readonly label: string;
  readonly icon?: LucideIcon;
  readonly hint?: string;
  readonly keys?: string;
  readonly tone?: "bad";
  readonly disabled?: boolean;
  readonly checked?: boolean;
  readonly onSelect: () => void;
}

export type MenuEntry = MenuItem | { readonly key: string; readonly head: string } | { readonly key: string; readonly line: true };

interface MenuProps {
  readonly trigger: ReactNode;
  readonly entries: readonly MenuEntry[];
  readonly align?: "start" | "end" | "center";
  readonly side?: "top" | "right" | "bottom" | "left";
  readonly head?: ReactNode;
}

export function Menu({ trigger, entries, align = "end", side = "bottom", head }: MenuProps) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align={align} side={side} sideOffset={4} collisionPadding={8} onClick={(event) => event.stopPropagation()}>
          {head}
          {entries.map((entry) => {
            if ("line" in entry) return <DropdownMenu.Separator key={entry.key} className="h-px my-1 bg-line-1" />;
            if ("head" in entry)
              return (
                <DropdownMenu.Label key={entry.key} className="menu-head">
                  {entry.head}
                </DropdownMenu.Label>
              );
            const Icon = entry.icon;
            return (
              <DropdownMenu.Item key={entry.key} className="menu-row" data-tone={entry.tone} disabled={entry.disabled ?? false} onSelect={entry.onSelect}>
                {Icon ? <Icon size={14} strokeWidth={1.9} aria-hidden /> : null}
                <span className="flex-1 truncate">{entry.label}</span>
                {entry.hint ? <span className="text-11 text-ink-3">{entry.hint}</span> : null}
                {entry.checked ? <Check size={14} strokeWidth={1.9} aria-hidden /> : null}
                {entry.keys ? <Kbd keys={entry.keys} /> : null}
              </DropdownMenu.Item>
            );
          })}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

interface PopoverProps {
  readonly trigger: ReactNode;
  readonly label: string;
  readonly align?: "start" | "end" | "center";
  readonly open?: boolean;
  readonly onOpenChange?: (open: boolean) => void;
  readonly className?: string;
  readonly children: ReactNode;
}

export function Popover({ trigger, label, align = "start", open, onOpenChange, className, children }: PopoverProps) {
  return (
    <RadixPopover.Root {...(open === undefined ? {} : { open })} {...(onOpenChange ? { onOpenChange } : {})}>
      <RadixPopover.Trigger asChild>{trigger}</RadixPopover.Trigger>
      <RadixPopover.Portal>
        <RadixPopover.Content className={`menu${className ? ` ${className}` : ""}`} align={align} sideOffset={4} collisionPadding={8} aria-label={label}>
          {children}
        </RadixPopover.Content>
      </RadixPopover.Portal>
    </RadixPopover.Root>
  );
}
