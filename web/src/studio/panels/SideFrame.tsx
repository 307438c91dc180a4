/** The frame of whatever is on the right: width by dragging or by keys, kept for the next time. */
import { type KeyboardEvent, type PointerEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";

const KEY = "oxidify.inspector";
const MIN = 320;
const MAX = 640;
const START = 392;

function stored(): number {
  const value = Number(localStorage.getItem(KEY));
  return value >= MIN && value <= MAX ? value : START;
}

interface Props {
  readonly label: string;
  readonly children: ReactNode;
}

export function SideFrame({ label, children }: Props) {
  const { t } = useTranslation("studio");
  const [width, setWidth] = useState(stored);
  const put = (next: number) => {
    const value = Math.round(Math.max(MIN, Math.min(MAX, next)));
    setWidth(value);
    localStorage.setItem(KEY, String(value));
  };
  const drag = (event: PointerEvent<HTMLElement>) => {
    const target = event.currentTarget;
    const from = event.clientX;
    target.setPointerCapture(event.pointerId);
    const move = (e: globalThis.PointerEvent) => put(width + from - e.clientX);
    target.addEventListener("pointermove", move);
    target.addEventListener("pointerup", () => target.removeEventListener("pointermove", move), { once: true });
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === "ArrowLeft") put(width + 16);
    if (event.key === "ArrowRight") put(width - 16);
  };
  return (
    <aside className="st-inspector" aria-label={label} style={{ width }}>
      <div className="st-grip" role="separator" aria-orientation="vertical" aria-label={t("common.resize")} aria-valuenow={width} aria-valuemin={MIN} aria-valuemax={MAX} tabIndex={0} onPointerDown={drag} onKeyDown={keys} />
      {children}
    </aside>
  );
}
