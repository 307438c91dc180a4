/** Form controls of the studio's panels: native elements in our clothes, each with its label. */
import { CircleAlert, type LucideIcon } from "lucide-react";
import { type ButtonHTMLAttributes, type InputHTMLAttributes, type ReactNode, useEffect, useId, useRef, useState } from "react";

interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string;
  readonly optional?: string;
  readonly hideLabel?: boolean;
  readonly aside?: ReactNode;
  readonly children: (ids: { id: string; describedBy: string | undefined; invalid: boolean }) => ReactNode;
}

export function Field({ label, hint, error, optional, hideLabel, aside, children }: FieldProps) {
  const id = useId();
  const note = error || hint ? `${id}-note` : undefined;
  return (
    <div className="st-field">
      <div className={hideLabel ? "st-sr" : "st-between"}>
        <label className="st-label" htmlFor={id}>
          {label} {optional ? <span className="st-meta">{optional}</span> : null}
        </label>
        {aside}
      </div>
      {children({ id, describedBy: note, invalid: Boolean(error) })}
      {error ? <Wrong id={note}>{error}</Wrong> : hint ? <div id={note} className="st-hint">{hint}</div> : null}
    </div>
  );
}

export function Wrong({ id, children }: { id?: string; children: ReactNode }) {
  return (
    <div id={id} className="st-wrong" role="alert">
      <CircleAlert size={13} strokeWidth={2} aria-hidden />
      <span>{children}</span>
    </div>
  );
}

interface TextProps extends Omit<FieldProps, "children"> {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  readonly mono?: boolean;
  readonly rows?: number;
  readonly disabled?: boolean;
  readonly type?: InputHTMLAttributes<HTMLInputElement>["type"];
}

export function TextField({ value, onChange, placeholder, mono, rows, disabled, type, ...field }: TextProps) {
  const className = mono ? "st-input mono" : "st-input";
  return (
    <Field {...field}>
      {({ id, describedBy, invalid }) =>
        rows ? (
          <textarea id={id} className={className} rows={rows} value={value} placeholder={placeholder} disabled={disabled} aria-describedby={describedBy} aria-invalid={invalid} onChange={(e) => onChange(e.target.value)} />
        ) : (
          <input id={id} type={type ?? "text"} className={className} value={value} placeholder={placeholder} disabled={disabled} aria-describedby={describedBy} aria-invalid={invalid} onChange={(e) => onChange(e.target.value)} />
        )
      }
    </Field>
  );
}

interface NumberProps extends Omit<FieldProps, "children"> {
  readonly value: number | undefined;
  readonly onChange: (value: number | undefined) => void;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number | "any";
  readonly placeholder?: string;
}

/** Keeps what is typed until it is a number; an empty field is "no value". */
export function NumberField({ value, onChange, min, max, step, placeholder, ...field }: NumberProps) {
  const [typed, setTyped] = useState(value === undefined ? "" : String(value));
  const given = useRef(value);
  useEffect(() => {
    if (given.current === value) return;
    given.current = value;
    setTyped(value === undefined ? "" : String(value));
  }, [value]);
  const change = (text: string) => {
    setTyped(text);
    const next = text.trim() === "" ? undefined : Number(text);
    if (next !== undefined && !Number.isFinite(next)) return;
    given.current = next;
    onChange(next);
  };
  return (
    <Field {...field}>
      {({ id, describedBy, invalid }) => (
        <input id={id} type="number" className="st-input st-num" value={typed} min={min} max={max} step={step} placeholder={placeholder} aria-describedby={describedBy} aria-invalid={invalid} onChange={(e) => change(e.target.value)} />
      )}
    </Field>
  );
}

export interface Option {
  readonly value: string;
  readonly label: string;
  readonly disabled?: boolean;
}

interface SelectProps extends Omit<FieldProps, "children"> {
  readonly value: string;
  readonly options: readonly Option[];
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
}

export function SelectField({ value, options, onChange, placeholder, ...field }: SelectProps) {
  const known = options.some((o) => o.value === value);
  return (
    <Field {...field}>
      {({ id, describedBy, invalid }) => (
        <select id={id} className="st-input" value={known ? value : ""} aria-describedby={describedBy} aria-invalid={invalid} onChange={(e) => onChange(e.target.value)}>
          {known ? null : (
            <option value="" disabled>
              {value || placeholder || ""}
            </option>
          )}
          {options.map((o) => (
            <option key={o.value} value={o.value} disabled={o.disabled}>
              {o.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface SwitchProps {
  readonly label: string;
  readonly note?: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly disabled?: boolean;
}

export function SwitchRow({ label, note, checked, onChange, disabled }: SwitchProps) {
  const id = useId();
  return (
    <div className="st-between">
      <span className="st-label" id={id}>
        {label} {note ? <span className="st-meta">{note}</span> : null}
      </span>
      <button type="button" role="switch" aria-checked={checked} aria-labelledby={id} disabled={disabled} className="st-switch" onClick={() => onChange(!checked)} />
    </div>
  );
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: "primary" | "default" | "quiet" | "danger";
  readonly size?: "sm" | "md";
  readonly icon?: LucideIcon;
  readonly busy?: boolean;
}

export function Button({ look = "default", size = "md", icon: Icon, busy, children, className, disabled, ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} disabled={disabled || busy} aria-busy={busy} className={["st-button", look, size, className ?? ""].join(" ").trim()}>
      {Icon ? <Icon size={size === "sm" ? 13 : 14} strokeWidth={1.9} aria-hidden className={busy ? "st-spin" : undefined} /> : null}
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "aria-label"> {
  readonly label: string;
  readonly icon: LucideIcon;
}

export function IconButton({ label, icon: Icon, className, ...rest }: IconButtonProps) {
  return (
    <button type="button" title={label} {...rest} aria-label={label} className={["st-button quiet sm icon", className ?? ""].join(" ").trim()}>
      <Icon size={14} strokeWidth={1.9} aria-hidden />
    </button>
  );
}

export function Key({ children }: { children: ReactNode }) {
  return <kbd className="st-key">{children}</kbd>;
}
