/** Names of keys as the reader's keyboard shows them. */
const mac = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);

export const keyNames = {
  mod: (key: string) => (mac ? `⌘${key}` : `Ctrl ${key}`),
  modShift: (key: string) => (mac ? `⌘⇧${key}` : `Ctrl ⇧ ${key}`),
  alt: (key: string) => (mac ? `⌥${key}` : `Alt ${key}`),
};

export function hasMod(event: { metaKey: boolean; ctrlKey: boolean }): boolean {
  return mac ? event.metaKey : event.ctrlKey;
}

/** True while a person types somewhere; single keys are off then. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
