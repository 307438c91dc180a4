/** Somebody waits for a model: what it does, and for how many seconds. */
import { LoaderCircle } from "lucide-react";
import { useEffect, useState } from "react";

interface Props {
  readonly text: string;
  /** Said in its place when it takes long. */
  readonly long: string;
  readonly seconds: (seconds: number) => string;
}

/** From here on it is said why it takes so long. */
const LONG_SECONDS = 15;

export function Waiting({ text, long, seconds: shown }: Props) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((now) => now + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <div className="banner">
      <LoaderCircle size={16} className="animate-spin motion-reduce:animate-none flex-none" aria-hidden />
      <span role="status" className="flex-1">
        {seconds < LONG_SECONDS ? text : long}
      </span>
      <span className="num text-12" aria-hidden>
        {shown(seconds)}
      </span>
    </div>
  );
}
