/** Addresses from outside: only harmless ones become links or pictures. */

/** The address if it is harmless, else null. */
export function safeHref(address: string): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: browsers skip control characters inside a scheme, so they go first
  const compact = address.replace(/[\u0000-\u0020\u007f-\u009f\u200b-\u200d\ufeff]/g, "");
  if (compact === "") return null;
  if (/^(https?:\/\/|mailto:|tel:)/i.test(compact)) return compact;
  if (/^\/(?!\/|\\)/.test(compact) || compact.startsWith("#")) return compact;
  return null;
}

export function safeImage(address: string): string | null {
  const href = safeHref(address);
  if (href && /^(https?:|\/)/i.test(href)) return href;
  return /^data:image\/(png|jpe?g|gif|webp);base64,[a-z0-9+/=]+$/i.test(address) ? address : null;
}
