import { useSyncExternalStore } from "react";

/** Whether a media query holds, now and after every change. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      const list = matchMedia(query);
      list.addEventListener("change", changed);
      return () => list.removeEventListener("change", changed);
    },
    () => matchMedia(query).matches,
  );
}

/** A phone, or a window as narrow as one. */
export const useNarrow = (): boolean => useMedia("(max-width: 767px)");
