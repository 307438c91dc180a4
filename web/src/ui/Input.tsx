import { Eye, EyeOff, type LucideIcon } from "lucide-react";
import { type ComponentProps, type ReactNode, type Ref, useState } from "react";

interface InputProps extends Omit<ComponentProps<"input">, "size"> {
  readonly size?: "md" | "lg";
  readonly icon?: LucideIcon;
  /** At the end of the field: a keycap, a unit, a button. */
  readonly end?: ReactNode;
  readonly ref?: Ref<HTMLInputElement>;
}

export function Input({ size = "md", icon: Icon, end, className, ...rest }: InputProps) {
  if (!Icon && !end) return <input className={`inp${className ? ` ${className}` : ""}`} data-size={size} {...rest} />;
  return (
    <div className={`inp${className ? ` ${className}` : ""}`} data-size={size} data-invalid={rest["aria-invalid"] ? true : undefined}>
      {Icon ? <Icon size={14} strokeWidth={1.9} aria-hidden /> : null}
      <input {...rest} />
      {end}
    </div>
  );
}

/** A password or a key: hidden until the eye is pressed. */
export function SecretInput({ showLabel, hideLabel, ...rest }: InputProps & { readonly showLabel: string; readonly hideLabel: string }) {
  const [shown, setShown] = useState(false);
  const Icon = shown ? EyeOff : Eye;
  return (
    <Input
      {...rest}
      type={shown ? "text" : "password"}
      end={
        <button type="button" className="text-ink-3 hover:text-ink-1 inline-flex" aria-label={shown ? hideLabel : showLabel} onClick={() => setShown(!shown)}>
          <Icon size={16} strokeWidth={1.75} aria-hidden />
        </button>
      }
    />
  );
}

export function Textarea({ className, ...rest }: ComponentProps<"textarea">) {
  return <textarea className={`inp${className ? ` ${className}` : ""}`} {...rest} />;
}
