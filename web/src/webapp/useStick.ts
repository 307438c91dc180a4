import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

/** Keeps a scrolling box at its end while its content grows, until the reader scrolls away from it. */
export function useStick(
  box: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
  isOn: boolean,
): { readonly away: boolean; readonly jump: (smooth?: boolean) => void } {
  const [away, setAway] = useState(false);
  const stuck = useRef(true);
  const jump = useCallback(
    (smooth = false) => {
      stuck.current = true;
      setAway(false);
      const element = box.current;
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      element?.scrollTo({ top: element.scrollHeight, behavior: smooth && !calm ? "smooth" : "instant" });
    },
    [box],
  );
  useEffect(() => {
    const element = box.current;
    const inner = content.current;
    if (!element || !inner) return;
    if (!isOn) {
      // A form or an opening is read from its beginning.
      element.scrollTop = 0;
      setAway(false);
      return;
    }
    let last = element.scrollTop;
    const onScroll = (): void => {
      const rest = element.scrollHeight - element.scrollTop - element.clientHeight;
      // Growth moves the end away too; only going up is the reader's will.
      if (element.scrollTop < last - 2 && rest > 24) stuck.current = false;
      else if (rest <= 24) stuck.current = true;
      last = element.scrollTop;
      setAway(!stuck.current && rest > 80);
    };
    const follow = (): void => {
      if (stuck.current) element.scrollTop = element.scrollHeight;
      else onScroll();
    };
    const observer = new ResizeObserver(follow);
    observer.observe(inner);
    observer.observe(element);
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", onScroll);
    };
  }, [box, content, isOn]);
  return { away, jump };
}
