import { useBlocker } from "@tanstack/react-router";

/** Asks before unpublished changes would be lost. */
export function useLeaveGuard(dirty: boolean, text: string): void {
  useBlocker({ shouldBlockFn: () => dirty && !window.confirm(text), enableBeforeUnload: dirty, disabled: !dirty });
}
