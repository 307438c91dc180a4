import { Check } from "lucide-react";

interface ToggleProps {
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly label?: string;
  readonly disabled?: boolean;
  readonly id?: string;
}

export function Switch({ checked, onChange, label, disabled, id }: ToggleProps) {
  return (
    <button
      type="button"
      role="switch"
      className="sw"
      id={id}
      aria-checked={checked}
      aria-label={label}
      data-state={checked ? "checked" : "unchecked"}
      disabled={disabled}
      onClick={() => onChange(!checked)}
    >
      <span />
    </button>
  );
}

export function Checkbox({ checked, onChange, label, disabled, id }: ToggleProps) {
  return (
    <button
      type="button"
      role="checkbox"
      className="ck"
      id={id}
      aria-checked={checked}
      aria-label={label}
      data-state={checked ? "checked" : "unchecked"}
      disabled={disabled}
      onClick={() => onChange(!checked)}
    >
      {checked ? <Check size={10} strokeWidth={3} aria-hidden /> : null}
    </button>
  );
}
