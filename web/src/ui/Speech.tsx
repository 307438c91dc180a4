/** Speaking and being read to, for chats of the console. */
import { CircleAlert, Mic, Square, Volume2, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { request } from "../lib/http";
import { clock, useRecording } from "../lib/recording";
import { hush, play, useSound } from "../lib/sound";
import { IconButton } from "./Button";

/** The console's routes of an app, `/apps/{id}`: what its makers try. */
async function wordsOf(base: string, sound: File, signal: AbortSignal): Promise<string> {
  const form = new FormData();
  form.append("file", sound);
  const body: unknown = await (await request(`${base}/audio-to-text`, { method: "POST", body: form, signal })).json();
  const words: unknown = typeof body === "object" && body !== null ? Reflect.get(body, "text") : undefined;
  return typeof words === "string" ? words : "";
}

export function Microphone({ base, disabled, onText }: { base: string; disabled?: boolean; onText: (text: string) => void }) {
  const { t } = useTranslation();
  const { state, seconds, problem, start, stop, cancel } = useRecording((sound, signal) => wordsOf(base, sound, signal), onText);
  if (state === "idle") {
    return (
      <span className="inline-flex items-center gap-2 min-w-0 me-auto">
        <IconButton icon={Mic} label={t("speech.record")} disabled={disabled} onClick={start} />
        {problem ? (
          <span className="text-12 text-danger" role="alert">
            {t(`speech.problem.${problem}`)}
          </span>
        ) : null}
      </span>
    );
  }
  return (
    <fieldset
      className="inline-flex items-center gap-2 min-w-0 me-auto text-12 text-ink-2"
      aria-label={t("speech.recording")}
      onKeyDown={(event) => {
        if (event.key === "Escape") cancel();
      }}
    >
      <IconButton icon={X} label={t(state === "writing" ? "speech.cancelWriting" : "speech.cancel")} onClick={cancel} />
      <span role="status">{t(`speech.state.${state}`)}</span>
      {state === "recording" ? (
        <>
          <span className="num" role="timer">
            {clock(seconds)}
          </span>
          <IconButton icon={Square} autoFocus label={t("speech.stop")} onClick={stop} />
        </>
      ) : null}
    </fieldset>
  );
}

export function ReadAloud({ base, id, text, voice }: { base: string; id: string; text: string; voice?: string }) {
  const { t } = useTranslation();
  const state = useSound(id);
  const isOn = state === "loading" || state === "playing";
  const body = { text, ...(voice ? { voice } : {}) };
  const read = () => void play(id, async (signal) => (await request(`${base}/text-to-audio`, { method: "POST", body, signal })).blob());
  return (
    <>
      <IconButton
        size="sm"
        icon={isOn ? Square : state === "failed" ? CircleAlert : Volume2}
        label={t(`speech.aloud.${state}`)}
        aria-busy={state === "loading"}
        onClick={isOn ? hush : read}
      />
      {state === "failed" ? <span role="alert">{t("speech.aloudFailed")}</span> : null}
    </>
  );
}
