/** A list of rows of one height that draws only what is in view. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef } from "react";

interface Props {
  readonly count: number;
  readonly height: number;
  readonly active: number;
  readonly label: string;
  readonly head: ReactNode;
  readonly row: (index: number) => ReactNode;
  /** Called when the end comes into view. */
  readonly onEnd: (() => void) | undefined;
}

export function Rows({ count, height, active, label, head, row, onEnd }: Props) {
  const scroll = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({ count, getScrollElement: () => scroll.current, estimateSize: () => height, overscan: 12 });
  const items = list.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (onEnd && count > 0 && last >= count - 6) onEnd();
  }, [onEnd, last, count]);
  useEffect(() => {
    if (active >= 0 && active < count) list.scrollToIndex(active, { align: "auto" });
  }, [active, count, list]);
  return (
    <div role="table" aria-label={label} aria-rowcount={count} className="flex flex-col flex-1 min-h-0">
      {head}
      <div ref={scroll} role="rowgroup" className="flex-1 min-h-0 overflow-auto">
        <div className="relative" style={{ height: list.getTotalSize() }}>
          {items.map((item) => (
            <div key={item.key} role="presentation" className="absolute inset-x-0" style={{ top: item.start, height }}>
              {row(item.index)}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}
