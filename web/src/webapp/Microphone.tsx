/** Speaking in place of typing: the words land in the box, where they can be changed before they are sent. */
import { type ReactNode, useEffect, useRef } from "react";
import { clock, useRecording } from "../lib/recording";
import type { Api } from "./api";
import { LoaderCircle, Mic, Square, X } from "./icons";
import { wordsOf } from "./speech";
import { useSay } from "./words";

interface MicrophoneProps {
  readonly api: Api;
  readonly disabled: boolean;
  readonly onText: (text: string) => void;
  /** What went wrong, to be shown; null when it is tried again. */
  readonly onProblem: (problem: string | null) => void;
}

export default function Microphone({ api, disabled, onText, onProblem }: MicrophoneProps): ReactNode {
  const say = useSay();
  const recording = useRecording((sound, signal) => wordsOf(api, sound, signal), onText);
  const { state, problem } = recording;
  const told = useRef(onProblem);
  told.current = onProblem;
  useEffect(() => {
    if (problem) told.current(say(`speech.problem.${problem}`));
  }, [problem, say]);
  if (state === "idle") {
    const start = (): void => {
      onProblem(null);
      recording.start();
    };
    return (
      <button type="button" className="round" aria-label={say("speech.record")} title={say("speech.record")} disabled={disabled} onClick={start}>
        <Mic size={20} />
      </button>
    );
  }
  const label = say(state === "writing" ? "speech.cancelWriting" : "speech.cancel");
  return (
    <span
      className="recording"
      role="group"
      aria-label={say("speech.recording")}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        recording.cancel();
      }}
    >
      <button type="button" className="round" aria-label={label} title={label} onClick={recording.cancel}>
        <X size={20} />
      </button>
      <span className="recording-state" role="status">
        {say(`speech.state.${state}`)}
      </span>
      {state === "recording" && (
        <>
          <span className="num" role="timer">
            {clock(recording.seconds)}
          </span>
          <button type="button" className="round live" autoFocus aria-label={say("speech.stop")} title={say("speech.stop")} onClick={recording.stop}>
            <Square size={16} />
          </button>
        </>
      )}
      {state === "writing" && <LoaderCircle size={16} className="spin" />}
    </span>
  );
}
