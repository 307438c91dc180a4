import { Slider as Radix } from "radix-ui";

interface SliderProps {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly label: string;
  readonly onChange: (value: number) => void;
}

export function Slider({ value, min, max, step, label, onChange }: SliderProps) {
  return (
    <Radix.Root
      className="relative flex items-center h-5 min-h-5 flex-1 touch-none"
      value={[value]}
      min={min}
      max={max}
      step={step}
      onValueChange={([next]) => (next === undefined ? undefined : onChange(next))}
    >
      <Radix.Track className="relative h-1 w-full rounded-full bg-surface-4">
        <Radix.Range className="absolute h-full rounded-full bg-accent" />
      </Radix.Track>
      <Radix.Thumb className="block size-3.5 rounded-full bg-surface-1 border border-control shadow-1" aria-label={label} />
    </Radix.Root>
  );
}
