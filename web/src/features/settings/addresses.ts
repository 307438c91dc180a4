const ADDRESS = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/;

/** Addresses as people paste them: commas, spaces, lines, `Name <a@b.c>`; each once. */
export function splitAddresses(text: string): { good: string[]; bad: string[] } {
  const named = [...text.matchAll(/<([^<>]+)>/g)].map((m) => m[1] ?? "");
  const rest = text.replace(/[^,;\n<>]*<[^<>]+>/g, " ");
  const words = [...named, ...rest.split(/[\s,;，；、]+/)].map((word) => word.trim().toLowerCase()).filter(Boolean);
  const unique = [...new Set(words)];
  return { good: unique.filter((word) => ADDRESS.test(word)), bad: unique.filter((word) => !ADDRESS.test(word)) };
}
