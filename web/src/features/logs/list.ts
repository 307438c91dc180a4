/** What both lists of the logs get, and the row under the keyboard. */
import { type ReactNode, useEffect, useState } from "react";
import type { AppDetail } from "../../data/apps";
import { useNarrow } from "../../lib/media";
import type { LogsSearch } from "./search";

export type OnSearch = (change: Partial<LogsSearch>, replace?: boolean) => void;

export interface ListProps {
  readonly app: AppDetail;
  readonly search: LogsSearch;
  readonly onSearch: OnSearch;
  /** True while something is open beside the list. */
  readonly beside: boolean;
  /** What stands before the filter. */
  readonly lead: ReactNode;
}

export type ListSize = "wide" | "narrow" | "phone";

/** How much of a row there is room for. */
export function useListSize(beside: boolean): ListSize {
  const phone = useNarrow();
  return phone ? "phone" : beside ? "narrow" : "wide";
}

/** It follows what is open, and stays where it was when that closes. */
export function useActive(ids: readonly string[], open: string | undefined): [number, (index: number) => void] {
  const at = open === undefined ? -1 : ids.indexOf(open);
  const [active, setActive] = useState(at);
  useEffect(() => {
    if (at >= 0) setActive(at);
  }, [at]);
  return [Math.min(active, ids.length - 1), setActive];
}
