import type { LucideIcon } from "lucide-react";
import { RadioGroup } from "radix-ui";

export interface Segment<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly count?: string | undefined;
  readonly icon?: LucideIcon;
}

export function Segmented<T extends string>({
  value,
  onChange,
  segments,
  label,
}: {
  value: T;
  onChange: (value: T) => void;
  segments: readonly Segment<T>[];
  label: string;
}) {
  return (
    <RadioGroup.Root
      className="seg"
      value={value}
      aria-label={label}
      orientation="horizontal"
      onValueChange={(next) => {
        const found = segments.find((s) => s.value === next);
        if (found) onChange(found.value);
      }}
    >
      {segments.map(({ value: key, label: text, count, icon: Icon }) => (
        <RadioGroup.Item key={key} value={key}>
          {Icon ? <Icon size={14} strokeWidth={1.9} aria-hidden /> : null}
          {text}
          {count === undefined ? null : <span className="cnt num">{count}</span>}
        </RadioGroup.Item>
      ))}
    </RadioGroup.Root>
  );
}
