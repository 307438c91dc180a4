/** The right end of the bar belongs to the open page. */
import { type ReactNode, Suspense } from "react";
import { createPortal } from "react-dom";
import { create } from "zustand";

const useSlot = create<{ readonly node: HTMLElement | null }>(() => ({ node: null }));
const setSlot = (node: HTMLElement | null) => useSlot.setState({ node });

export function BarSlot() {
  return <div id="bar-end" ref={setSlot} className="flex items-center gap-2 min-w-0" />;
}

export function BarEnd({ children }: { children: ReactNode }) {
  const node = useSlot((s) => s.node);
  // A boundary of its own: what suspends in the bar must not hide the bar, or its slot would come and go.
  return node ? createPortal(<Suspense fallback={null}>{children}</Suspense>, node) : null;
}
