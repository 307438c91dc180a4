import { Check, ChevronDown } from "lucide-react";
import { Select as Radix } from "radix-ui";

export interface SelectOption {
  readonly value: string;
  readonly label: string;
  readonly hint?: string | undefined;
  readonly disabled?: boolean;
}

interface SelectProps {
  readonly value: string | undefined;
  readonly onChange: (value: string) => void;
  readonly options: readonly SelectOption[];
  readonly placeholder?: string;
  readonly disabled?: boolean;
  readonly size?: "md" | "lg";
  readonly className?: string;
  readonly id?: string;
  readonly "aria-label"?: string;
  readonly "aria-invalid"?: boolean;
  readonly "aria-describedby"?: string;
}

export function Select({ value, onChange, options, placeholder, disabled, size = "md", className, ...aria }: SelectProps) {
  return (
    <Radix.Root value={value ?? ""} onValueChange={onChange} disabled={disabled ?? false}>
      <Radix.Trigger className={`inp justify-between${className ? ` ${className}` : ""}`} data-size={size} {...aria}>
        <span className="truncate">
          <Radix.Value placeholder={<span className="text-ink-3">{placeholder}</span>} />
        </span>
        <ChevronDown size={14} strokeWidth={1.9} aria-hidden />
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content className="menu" position="popper" sideOffset={4} style={{ minWidth: "var(--radix-select-trigger-width)", zIndex: "var(--z-tooltip)" }}>
          <Radix.Viewport>
            {options.map((option) => (
              <Radix.Item key={option.value} value={option.value} disabled={option.disabled ?? false} className="menu-row">
                <Radix.ItemText>{option.label}</Radix.ItemText>
                {option.hint ? <span className="text-ink-3 text-12">{option.hint}</span> : null}
                <Radix.ItemIndicator className="ms-auto text-accent-ink">
                  <Check size={14} strokeWidth={1.9} aria-hidden />
                </Radix.ItemIndicator>
              </Radix.Item>
            ))}
          </Radix.Viewport>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
