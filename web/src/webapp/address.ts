/** What the page's address says: which page, whose, and with which values. */
export type PageKind = "chat" | "chatbot" | "completion" | "workflow" | "installed" | "trial";

export interface Address {
  readonly kind: PageKind;
  readonly code: string;
  /** `sys.user_id`: the caller's own name for the visitor. */
  readonly userId: string | null;
  /** `sys.conversation_id`: the conversation to open. */
  readonly conversationId: string | null;
  /** `user.name` and `user.avatar_url`: only for show. */
  readonly userName: string | null;
  readonly avatar: string | null;
  readonly theme: string | null;
  readonly locale: string | null;
  /** Values for the app's form. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** Instead of a code, `installed` has the entry of an app of Explore and `trial` a template. */
const KINDS: readonly PageKind[] = ["chat", "chatbot", "completion", "workflow", "installed", "trial"];

/** Pages inside the console, whose visitor is the member. */
export const isInside = (kind: PageKind): kind is "installed" | "trial" => kind === "installed" || kind === "trial";

export function pageOf(pathname: string): { kind: PageKind; code: string } | null {
  const [kindText = "", code = ""] = pathname.split("/").filter(Boolean);
  const kind = KINDS.find((known) => known === kindText);
  return kind && /^[\w-]{1,64}$/.test(code) ? { kind, code } : null;
}

/** Embedding scripts write base64 of gzip; people write the value itself. */
export async function decodeValue(value: string): Promise<string> {
  const compact = value.replaceAll(" ", "+");
  if (!/^H4sI[A-Za-z0-9+/]+={0,2}$/.test(compact)) return value;
  try {
    const bytes = Uint8Array.from(atob(compact), (char) => char.charCodeAt(0));
    const stream = new Response(bytes).body?.pipeThrough(new DecompressionStream("gzip"));
    return await new Response(stream ?? null).text();
  } catch {
    return value;
  }
}

export async function readAddress(pathname: string, search: string): Promise<Address | null> {
  const page = pageOf(pathname);
  if (!page) return null;
  const values = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(search)) values.set(key, await decodeValue(value));
  const take = (key: string): string | null => {
    const value = values.get(key);
    values.delete(key);
    return value?.trim() ? value.trim() : null;
  };
  const named = {
    userId: take("sys.user_id"),
    conversationId: take("sys.conversation_id"),
    userName: take("user.name"),
    avatar: take("user.avatar_url"),
    theme: take("theme"),
    locale: take("locale"),
  };
  for (const key of [...values.keys()]) if (/^(sys|user)\./.test(key)) values.delete(key);
  return { ...page, ...named, inputs: Object.fromEntries(values) };
}
