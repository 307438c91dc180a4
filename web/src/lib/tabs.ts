import type { KeyboardEvent } from "react";

const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** Arrows, Home and End in a tablist: the tab that gets the focus is chosen. */
export function tabKeys(event: KeyboardEvent<HTMLElement>): void {
  const tabs = [...event.currentTarget.querySelectorAll<HTMLElement>('[role="tab"]')];
  const at = tabs.indexOf(document.activeElement as HTMLElement);
  const step = STEPS[event.key];
  const last = tabs.length - 1;
  const next = event.key === "Home" ? 0 : event.key === "End" ? last : step === undefined ? -1 : (at + step + tabs.length) % tabs.length;
  const tab = tabs[next];
  if (at < 0 || !tab) return;
  event.preventDefault();
  tab.focus();
  tab.click();
}
