import { useEffect, useState } from "react";

/** The value once it has stayed the same for a while. */
export function useSettled<T>(value: T, wait: number): T {
  const [settled, setSettled] = useState(value);
  const text = JSON.stringify(value);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the value counts, not the object
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), wait);
    return () => clearTimeout(timer);
  }, [text, wait]);
  return settled;
}
