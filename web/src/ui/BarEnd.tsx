/** The right end of the bar belongs to the open page. */
import type { ReactNode } from "react";
import { createPortal } from "react-dom";
import { create } from "zustand";

const useSlot = create<{ readonly node: HTMLElement | null }>(() => ({ node: null }));
const setSlot = (node: HTMLElement | null) => useSlot.setState({ node });

export function BarSlot() {
  return <div id="bar-end" ref={setSlot} className="flex items-center gap-2 min-w-0" />;
}

export function BarEnd({ children }: { children: ReactNode }) {
  const node = useSlot((s) => s.node);
  return node ? createPortal(children, node) : null;
}
