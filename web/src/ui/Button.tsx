import { LoaderCircle, type LucideIcon } from "lucide-react";
import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";
import { Kbd } from "./Kbd";
import { Tip } from "./Tip";

export type ButtonKind = "primary" | "default" | "quiet" | "danger" | "destroy";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly kind?: ButtonKind;
  readonly size?: "sm" | "md" | "lg";
  readonly icon?: LucideIcon | undefined;
  readonly busy?: boolean | undefined;
  readonly keys?: string | undefined;
  readonly children?: ReactNode;
  readonly ref?: Ref<HTMLButtonElement>;
}

export function Button({ kind = "default", size = "md", icon: Icon, busy, keys, children, disabled, className, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={`btn${className ? ` ${className}` : ""}`}
      data-kind={kind}
      data-size={size}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      {...rest}
    >
      {busy ? <LoaderCircle size={14} strokeWidth={1.9} className="spin" aria-hidden /> : Icon ? <Icon size={14} strokeWidth={1.9} aria-hidden /> : null}
      {children}
      {keys ? <Kbd keys={keys} /> : null}
    </button>
  );
}

export interface IconButtonProps extends Omit<ButtonProps, "icon" | "children"> {
  readonly icon: LucideIcon;
  readonly label: string;
}

export function IconButton({ icon: Icon, label, kind = "quiet", size = "md", busy, keys, className, disabled, ...rest }: IconButtonProps) {
  return (
    <Tip text={label} keys={keys}>
      <button
        type="button"
        className={`btn${className ? ` ${className}` : ""}`}
        data-kind={kind}
        data-size={size}
        data-icon=""
        aria-label={label}
        disabled={disabled || busy}
        {...rest}
      >
        {busy ? <LoaderCircle size={14} className="spin" aria-hidden /> : <Icon size={size === "sm" ? 14 : 16} strokeWidth={1.75} aria-hidden />}
      </button>
    </Tip>
  );
}
