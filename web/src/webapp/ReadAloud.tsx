/** Reads an answer aloud, or ends that. */
import type { ReactNode } from "react";
import { hush, play, useSound } from "../lib/sound";
import { CircleAlert, LoaderCircle, Square, Volume } from "./icons";
import { useSay } from "./words";

interface ReadAloudProps {
  readonly id: string;
  readonly sound: (signal: AbortSignal) => Promise<Blob>;
  readonly className?: string;
}

export default function ReadAloud({ id, sound, className = "tool" }: ReadAloudProps): ReactNode {
  const say = useSay();
  const state = useSound(id);
  const isOn = state === "loading" || state === "playing";
  const label = say(`speech.aloud.${state}`);
  return (
    <>
      <button
        type="button"
        className={className}
        aria-label={label}
        title={label}
        aria-busy={state === "loading"}
        onClick={() => (isOn ? hush() : void play(id, sound))}
      >
        {state === "loading" ? (
          <LoaderCircle size={16} className="spin" />
        ) : state === "playing" ? (
          <Square size={16} />
        ) : state === "failed" ? (
          <CircleAlert size={16} />
        ) : (
          <Volume size={16} />
        )}
      </button>
      {state === "failed" && (
        <span className="note" role="alert">
          {say("speech.aloudFailed")}
        </span>
      )}
    </>
  );
}
