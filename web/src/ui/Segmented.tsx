import type { LucideIcon } from "lucide-react";
import { RadioGroup } from "radix-ui";

export interface Segment<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly count?: string | undefined;
  readonly icon?: LucideIcon;
  /** Only the icon is shown; the label is its name. */
  readonly bare?: boolean;
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
      {segments.map(({ value: key, label: text, count, icon: Icon, bare }) => (
        <RadioGroup.Item key={key} value={key} {...(bare ? { "aria-label": text, title: text } : {})}>
          {Icon ? <Icon size={14} strokeWidth={1.9} aria-hidden /> : null}
          {bare ? null : text}
          {count === undefined ? null : <span className="cnt num">{count}</span>}
        </RadioGroup.Item>
      ))}
    </RadioGroup.Root>
  );
}
