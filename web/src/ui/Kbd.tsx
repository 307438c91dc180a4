/** Keycaps. `mod` is ⌘ on a Mac and Ctrl elsewhere. */
const MAC = typeof navigator !== "undefined" && /mac|iphone|ipad/i.test(navigator.platform);
const NAMES: Readonly<Record<string, string>> = {
  mod: MAC ? "⌘" : "Ctrl",
  alt: MAC ? "⌥" : "Alt",
  shift: "⇧",
  enter: "↵",
  esc: "Esc",
  up: "↑",
  down: "↓",
};

export function keyText(keys: string): string {
  return keys
    .split("+")
    .map((key) => NAMES[key] ?? key)
    .join(MAC ? "" : " ");
}

export function Kbd({ keys }: { keys: string }) {
  return <kbd className="kbd">{keyText(keys)}</kbd>;
}
