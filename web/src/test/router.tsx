import type { ReactNode } from "react";

interface LinkProps {
  readonly to: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly search?: Readonly<Record<string, string>>;
  readonly children: ReactNode;
}

/** What stands in for the router's links where a test draws a part alone: `vi.mock("@tanstack/react-router", ...)`. */
export function Link({ to, params, search, children }: LinkProps) {
  const path = to.replace(/\$(\w+)/g, (name, key: string) => params?.[key] ?? name);
  const query = search && typeof search === "object" ? `?${new URLSearchParams(search)}` : "";
  return <a href={`${path}${query}`}>{children}</a>;
}

export const useBlocker = () => undefined;
