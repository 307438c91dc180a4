import { Check } from "lucide-react";
import { Checkbox as RadixCheckbox, Switch as RadixSwitch } from "radix-ui";

interface ToggleProps {
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly label?: string;
  readonly disabled?: boolean;
  readonly id?: string;
}

export function Switch({ checked, onChange, label, disabled, id }: ToggleProps) {
  return (
    <RadixSwitch.Root
      className="sw"
      checked={checked}
      onCheckedChange={onChange}
      disabled={disabled ?? false}
      {...(label ? { "aria-label": label } : {})}
      {...(id ? { id } : {})}
    >
      <RadixSwitch.Thumb />
    </RadixSwitch.Root>
  );
}

export function Checkbox({ checked, onChange, label, disabled, id }: ToggleProps) {
  return (
    <RadixCheckbox.Root
      className="ck"
      checked={checked}
      onCheckedChange={(state) => onChange(state === true)}
      disabled={disabled ?? false}
      {...(label ? { "aria-label": label } : {})}
      {...(id ? { id } : {})}
    >
      <RadixCheckbox.Indicator>
        <Check size={10} strokeWidth={3} aria-hidden />
      </RadixCheckbox.Indicator>
    </RadixCheckbox.Root>
  );
}
