/** A recording, from the microphone to its words. No texts here: the parts that show it tell what happened. */
import { useEffect, useRef, useState } from "react";

export type RecordingState = "idle" | "asking" | "recording" | "writing";
export type RecordingProblem = "denied" | "missing" | "unsupported" | "silent" | "failed";

/** Longer ones stop by themselves: a recording is held in memory until it is sent. */
const MAX_SECONDS = 600;
/** What browsers record in and the server takes, the best first. */
const KINDS = ["audio/webm;codecs=opus", "audio/webm", "audio/mp4", "audio/ogg;codecs=opus"];

class RecordingError extends Error {
  constructor(readonly problem: RecordingProblem) {
    super(problem);
    this.name = "RecordingError";
  }
}

interface Take {
  readonly control: AbortController;
  recorder: MediaRecorder | null;
}

function problemOf(error: unknown): RecordingProblem {
  if (error instanceof RecordingError) return error.problem;
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  return name === "NotFoundError" || name === "OverconstrainedError" ? "missing" : "failed";
}

/** Records until the recorder is stopped; the microphone is let go whatever happens. */
async function recorded(take: Take, onStart: () => void): Promise<File> {
  if (!navigator.mediaDevices?.getUserMedia || typeof MediaRecorder === "undefined") throw new RecordingError("unsupported");
  const { signal } = take.control;
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  try {
    signal.throwIfAborted();
    const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
    const recorder = new MediaRecorder(stream, mimeType === undefined ? {} : { mimeType });
    const parts: Blob[] = [];
    const over = new Promise<void>((resolve, reject) => {
      recorder.ondataavailable = (event) => parts.push(event.data);
      recorder.onstop = () => resolve();
      recorder.onerror = () => reject(new RecordingError("failed"));
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    take.recorder = recorder;
    recorder.start();
    onStart();
    await over;
    const type = (recorder.mimeType || mimeType || "audio/webm").split(";")[0] ?? "audio/webm";
    const file = new File(parts, `recording.${type.slice(type.indexOf("/") + 1)}`, { type });
    if (file.size === 0) throw new RecordingError("silent");
    return file;
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}

export interface Recording {
  readonly state: RecordingState;
  readonly seconds: number;
  readonly problem: RecordingProblem | null;
  readonly start: () => void;
  /** Ends the recording; its words come. */
  readonly stop: () => void;
  /** Ends it, or the waiting for its words, without any. */
  readonly cancel: () => void;
}

export function useRecording(transcribe: (sound: File, signal: AbortSignal) => Promise<string>, onText: (text: string) => void): Recording {
  const [state, setState] = useState<RecordingState>("idle");
  const [seconds, setSeconds] = useState(0);
  const [problem, setProblem] = useState<RecordingProblem | null>(null);
  const current = useRef<Take | null>(null);
  const latest = useRef({ transcribe, onText });
  latest.current = { transcribe, onText };

  useEffect(
    () => () => {
      current.current?.control.abort();
      current.current = null;
    },
    [],
  );
  useEffect(() => {
    if (state !== "recording") return;
    const began = Date.now();
    const timer = setInterval(() => {
      const passed = Math.floor((Date.now() - began) / 1000);
      setSeconds(passed);
      if (passed >= MAX_SECONDS) current.current?.recorder?.stop();
    }, 250);
    return () => clearInterval(timer);
  }, [state]);

  const run = async (take: Take): Promise<void> => {
    try {
      const sound = await recorded(take, () => setState("recording"));
      setState("writing");
      const words = (await latest.current.transcribe(sound, take.control.signal)).trim();
      if (take.control.signal.aborted) return;
      if (words === "") throw new RecordingError("silent");
      latest.current.onText(words);
    } catch (error) {
      if (!take.control.signal.aborted) setProblem(problemOf(error));
    } finally {
      if (current.current === take) {
        current.current = null;
        setState("idle");
      }
    }
  };
  return {
    state,
    seconds,
    problem,
    start: () => {
      if (current.current) return;
      const take: Take = { control: new AbortController(), recorder: null };
      current.current = take;
      setProblem(null);
      setSeconds(0);
      setState("asking");
      void run(take);
    },
    stop: () => {
      const recorder = current.current?.recorder;
      if (recorder && recorder.state !== "inactive") recorder.stop();
    },
    cancel: () => {
      current.current?.control.abort();
      current.current = null;
      setState("idle");
    },
  };
}

/** `0:07`. */
export const clock = (seconds: number): string => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

/** What was said goes behind what is written. */
export const withSaid = (draft: string, said: string): string => (draft.trim() === "" ? said : `${draft.trimEnd()} ${said}`);
