import { useSyncExternalStore } from "react";

const WIDE = "(min-width: 769px)";

function watchWide(listener: () => void): () => void {
  const query = matchMedia(WIDE);
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
}

/** Room for the list beside the chat. */
export const useWide = (): boolean => useSyncExternalStore(watchWide, () => matchMedia(WIDE).matches);

function watchNetwork(listener: () => void): () => void {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}

export const useOnline = (): boolean => useSyncExternalStore(watchNetwork, () => navigator.onLine);

/** The height that a phone's keyboard leaves, for browsers whose `dvh` does not know the keyboard. */
export function watchViewport(): void {
  const view = window.visualViewport;
  if (!view) return;
  const fit = (): void => {
    const isCovered = window.innerHeight - view.height > 80 && view.scale < 1.01;
    if (isCovered) document.documentElement.style.setProperty("--app-height", `${Math.round(view.height)}px`);
    else document.documentElement.style.removeProperty("--app-height");
    if (isCovered) window.scrollTo(0, 0);
  };
  view.addEventListener("resize", fit);
  view.addEventListener("scroll", fit);
}
