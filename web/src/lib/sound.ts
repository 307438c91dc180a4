/** Answers that are read aloud: one at a time on a page. */
import { useEffect, useSyncExternalStore } from "react";
import type { StreamEvent } from "./events";

export type SoundState = "idle" | "loading" | "playing" | "failed";

interface Now {
  readonly key: string;
  readonly state: SoundState;
}

let now: Now = { key: "", state: "idle" };
let halt: () => void = () => undefined;
const listeners = new Set<() => void>();

function tell(next: Now): void {
  now = next;
  for (const listener of listeners) listener();
}

/** Silence. */
export function hush(): void {
  halt();
  halt = () => undefined;
  tell({ key: "", state: "idle" });
}

/** Plays what `fetched` brings, in place of what is playing. */
export async function play(key: string, fetched: (signal: AbortSignal) => Promise<Blob>): Promise<void> {
  hush();
  const control = new AbortController();
  let release = (): void => undefined;
  const isOver = (): boolean => control.signal.aborted;
  const end = (state: SoundState): void => {
    release();
    if (!isOver()) tell({ key, state });
  };
  halt = () => {
    control.abort();
    release();
  };
  tell({ key, state: "loading" });
  try {
    const sound = await fetched(control.signal);
    if (isOver()) return;
    if (!sound.type.startsWith("audio/") || sound.size === 0) return end("failed");
    const address = URL.createObjectURL(sound);
    const audio = new Audio(address);
    release = () => {
      audio.pause();
      URL.revokeObjectURL(address);
      release = () => undefined;
    };
    audio.onended = () => end("idle");
    audio.onerror = () => end("failed");
    await audio.play();
    if (!isOver() && !audio.ended) tell({ key, state: "playing" });
  } catch (error) {
    // A browser may keep a page silent until it is touched; that is no failure of the answer.
    end(error instanceof DOMException && error.name === "NotAllowedError" ? "idle" : "failed");
  }
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** How it is with the sound of this answer, which ends when the answer leaves the page. */
export function useSound(key: string): SoundState {
  const state = useSyncExternalStore(subscribe, () => (now.key === key ? now.state : "idle"));
  useEffect(
    () => () => {
      if (now.key === key) hush();
    },
    [key],
  );
  return state;
}

/** The speech that comes with the events of an answer whose app reads by itself. */
export class Spoken {
  private parts: Uint8Array<ArrayBuffer>[] = [];

  hear(event: StreamEvent): void {
    if (event.event !== "tts_message" || typeof event.audio !== "string" || event.audio === "") return;
    this.parts.push(Uint8Array.from(atob(event.audio), (sign) => sign.charCodeAt(0)));
  }

  play(key: string): void {
    if (this.parts.length === 0) return;
    const sound = new Blob(this.parts, { type: "audio/mpeg" });
    this.parts = [];
    void play(key, () => Promise.resolve(sound));
  }
}
