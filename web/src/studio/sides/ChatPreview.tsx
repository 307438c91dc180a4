/** Talking to the draft of a chatflow. */
import { ListTree, RotateCcw, SendHorizontal, Square } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { rulesFrom } from "../../lib/files";
import { withSaid } from "../../lib/recording";
import { AttachButton, AttachedFiles, type Attached, SentFiles, takesFiles, useAttachments } from "../../ui/Attach";
import { Microphone, ReadAloud } from "../../ui/Speech";
import { isActive, type RunState } from "../model/run";
import { outputText } from "../nodes/kind";
import { Button, IconButton, Wrong } from "../parts/controls";
import { openTray } from "../store/actions";
import { answerForm, forgetRun, startRun, stopRun } from "../store/runner";
import { useStudio } from "../store/studio";
import { errorText } from "../tray/TraceTab";
import { fieldError, firstValues, InputForm, toInputs, type Values } from "./InputForm";
import { SideHead } from "./SideHead";
import { StreamText } from "./StreamText";
import { useStartFields } from "./useStartFields";
import { WaitingApprovals } from "./WaitingApprovals";
import { WaitingForms } from "./WaitingForms";

interface Turn {
  readonly query: string;
  /** The names of files that went along. */
  readonly files: readonly string[];
  readonly answer: string;
  readonly error?: string;
  /** The run behind it: as long as that is on the screen, its text is the answer. */
  readonly run?: string;
}

type Sent = ReturnType<Attached["sent"]>[number];

const featuresSchema = z.looseObject({
  file_upload: z.unknown(),
  opening_statement: z.string().nullish().catch(""),
  suggested_questions: z.array(z.string()).catch([]),
  speech_to_text: z.looseObject({ enabled: z.boolean().catch(false) }).nullish().catch(undefined),
  text_to_speech: z.looseObject({ enabled: z.boolean().catch(false), voice: z.string().catch("") }).nullish().catch(undefined),
});

/** A run that waited says more after it was answered. */
function now(turn: Turn, run: RunState): Turn {
  if (turn.run === undefined || turn.run !== run.runId) return turn;
  // A run that ended before we listened tells its outputs only.
  return { ...turn, answer: (isActive(run) ? undefined : outputText(run.outputs, "answer")) ?? run.text, error: run.error };
}

function useConversation() {
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const ids = useRef<{ conversation?: string; message?: string }>({});
  const send = async (query: string, inputs: Record<string, unknown>, files: readonly Sent[]) => {
    const before = useStudio.getState().run;
    setTurns((known) => known.map((turn) => now(turn, before)));
    const done = await startRun({
      inputs,
      query,
      files: files.map(({ mapping }) => mapping),
      conversation_id: ids.current.conversation ?? "",
      ...(ids.current.message ? { parent_message_id: ids.current.message } : {}),
    });
    ids.current = { conversation: done.conversationId ?? ids.current.conversation, message: done.messageId ?? ids.current.message };
    setTurns((known) => [...known, { query, files: files.map(({ name }) => name), answer: done.text, error: done.error, run: done.runId }]);
  };
  const restart = () => {
    ids.current = {};
    setTurns([]);
    forgetRun();
  };
  return { turns, send, restart };
}

export function ChatPreview() {
  const { t } = useTranslation("studio");
  const run = useStudio((s) => s.run);
  const owner = useStudio((s) => s.owner);
  const features = useStudio((s) => s.document.features);
  const readOnly = useStudio((s) => s.preview !== undefined);
  const fields = useStartFields();
  const { turns: kept, send, restart } = useConversation();
  const turns = kept.map((turn) => now(turn, run));
  const [values, setValues] = useState<Values>(() => firstValues(fields));
  const [tried, setTried] = useState(false);
  const [asking, setAsking] = useState<{ readonly query: string; readonly files: readonly string[] }>();
  const read = featuresSchema.safeParse(features).data;
  const rules = useMemo(() => rulesFrom(read?.file_upload), [read?.file_upload]);
  const attached = useAttachments(rules);
  const busy = asking !== undefined;
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (turns.length > 0 || busy) end.current?.scrollIntoView({ block: "nearest" });
  }, [turns.length, busy]);
  const ask = (query: string) => {
    setTried(true);
    if (!query.trim() || busy || attached.waits || fields.some((f) => fieldError(f, values[f.variable]))) return false;
    const files = rules ? attached.sent() : [];
    attached.clear();
    setAsking({ query, files: files.map(({ name }) => name) });
    void send(query, toInputs(fields, values), files).finally(() => setAsking(undefined));
    return true;
  };
  return (
    <>
      <SideHead title={t("chat.title")}>
        <IconButton label={t("pill.openTrace")} icon={ListTree} onClick={() => openTray("trace")} />
        <IconButton label={t("chat.restart")} icon={RotateCcw} disabled={busy || turns.length === 0} onClick={restart} />
      </SideHead>
      <div className="st-inspector-body st-chat" role="log" aria-label={t("chat.title")}>
        {fields.length > 0 ? (
          <details className="st-section" open={turns.length === 0}>
            <summary className="st-label">{t("chat.form")}</summary>
            <InputForm fields={fields} values={values} tried={tried} onChange={setValues} />
          </details>
        ) : null}
        {read?.opening_statement && turns.length === 0 && !busy ? <div className="st-bubble">{read.opening_statement}</div> : null}
        {turns.length === 0 && !busy && read?.suggested_questions.some(Boolean) ? (
          <div className="st-chips st-suggest">
            {read.suggested_questions.filter(Boolean).map((question) => (
              <Button key={question} size="sm" onClick={() => ask(question)}>
                {question}
              </Button>
            ))}
          </div>
        ) : null}
        {turns.map((turn, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: turns are only ever appended
          <div key={i} className="st-turn">
            <SentFiles names={turn.files} />
            <div className="st-bubble mine">{turn.query}</div>
            {turn.run === run.runId && isActive(run) ? <StreamText text={run.text} live /> : turn.answer ? <div className="st-bubble">{turn.answer}</div> : null}
            {read?.text_to_speech?.enabled && turn.answer && !(turn.run === run.runId && isActive(run)) ? (
              <div className="flex items-center gap-2 text-12">
                <ReadAloud base={owner} id={`chat-preview-${i}`} text={turn.answer} voice={read.text_to_speech.voice} />
              </div>
            ) : null}
            {turn.error ? <Wrong>{errorText(turn.error, t)}</Wrong> : null}
          </div>
        ))}
        {asking === undefined ? null : (
          <div className="st-turn">
            <SentFiles names={asking.files} />
            <div className="st-bubble mine">{asking.query}</div>
            {run.text ? <StreamText text={run.text} live={isActive(run)} /> : <div className="st-hint">{t("chat.thinking")}</div>}
          </div>
        )}
        <WaitingForms onAnswer={answerForm} />
        <WaitingApprovals />
        <div ref={end} />
      </div>
      <div className="px-3">
        <AttachedFiles attached={attached} />
      </div>
      <Composer attached={attached} busy={busy} disabled={readOnly} listens={read?.speech_to_text?.enabled ? owner : undefined} onSend={ask} />
    </>
  );
}

function Composer({ attached, busy, disabled, listens, onSend }: { attached: Attached; busy: boolean; disabled: boolean; listens: string | undefined; onSend: (text: string) => boolean }) {
  const { t } = useTranslation("studio");
  const [text, setText] = useState("");
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (onSend(text)) setText("");
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    submit();
  };
  return (
    <form className="st-composer" onSubmit={submit} {...takesFiles(attached)}>
      <textarea className="st-input" rows={2} aria-label={t("chat.message")} placeholder={t("chat.message")} value={text} disabled={disabled} onChange={(e) => setText(e.target.value)} onKeyDown={keys} />
      <AttachButton attached={attached} disabled={disabled} />
      {listens ? <Microphone base={listens} disabled={disabled} onText={(said) => setText((now) => withSaid(now, said))} /> : null}
      {busy ? (
        <IconButton label={t("pill.stop")} icon={Square} onClick={stopRun} />
      ) : (
        <IconButton type="submit" label={t("chat.send")} icon={SendHorizontal} disabled={disabled || attached.waits || !text.trim()} />
      )}
    </form>
  );
}
