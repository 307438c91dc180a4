/** A sentence in, a proposal out: a prompt, code or a schema that is taken over or not. */
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleAlert } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { generate, type Kind, type Place, type Proposal, type Wish, type Writer } from "../../data/generate";
import { HttpError, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Textarea } from "../../ui/Input";
import { Kbd } from "../../ui/Kbd";
import { Segmented } from "../../ui/Segmented";
import { Waiting } from "../../ui/Waiting";
import { Beginning } from "./Beginning";
import { WriterSelect } from "./WriterSelect";

/** The server takes 10,000 characters; the rest is for what an editor adds. */
const MOST = 8000;
const MOST_FACTS = 1900;

export interface GenerateProps {
  readonly kind: Kind;
  /** What there is now. */
  readonly current: string;
  /** Where it stands; what has no place is always written anew. */
  readonly place?: Place | undefined;
  /** That of the app or node, which writes unless another is chosen; `undefined`: the workspace's default model. */
  readonly model?: Writer | undefined;
  /** Of code. */
  readonly language?: string | undefined;
  /** Prompts: the form has variables, and the app may open the conversation. */
  readonly withForm?: boolean | undefined;
  /** Told to the model after the instruction. */
  readonly facts?: string | undefined;
  readonly onApply: (proposal: Proposal) => void;
  readonly onClose: () => void;
}

export function GenerateDialog({ kind, current, place, model, language, withForm, facts, onApply, onClose }: GenerateProps) {
  const { t } = useTranslation("generate");
  const { t: c } = useTranslation();
  const canImprove = place !== undefined && current.trim() !== "";
  const [improving, setImproving] = useState(canImprove);
  const [text, setText] = useState("");
  const [ideal, setIdeal] = useState("");
  const [asked, setAsked] = useState(false);
  const [writer, setWriter] = useState(model);
  const { run, stop, clear, working, error, proposal } = useGenerate();
  const typed = text.trim();
  const wrong = typed === "" ? t("need") : typed.length > MOST ? t("tooLong") : undefined;
  const send = () => {
    setAsked(true);
    if (wrong || working) return;
    const better = improving && place ? { place, current, ideal: ideal.trim() } : undefined;
    run({ kind, instruction: facts ? `${typed}\n\n${facts.slice(0, MOST_FACTS)}` : typed, model: writer, language, withForm, better });
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    send();
  };
  const way = (next: "improve" | "anew") => {
    setImproving(next === "improve");
    clear();
  };
  return (
    <Dialog
      open
      size="lg"
      title={t(`title.${kind}`)}
      about={t("about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        working ? (
          <Button onClick={stop}>{t("stop")}</Button>
        ) : (
          <>
            <Button onClick={onClose}>{proposal ? t("discard") : c("common.cancel")}</Button>
            <Button kind={proposal ? "default" : "primary"} onClick={send}>
              {proposal || error ? t("again") : t("submit")}
              <Kbd keys="mod+enter" />
            </Button>
            {proposal ? (
              <Button kind="primary" onClick={() => onApply(proposal)}>
                {t(current.trim() === "" ? "apply" : "replace")}
              </Button>
            ) : null}
          </>
        )
      }
    >
      <div className="flex flex-col gap-4">
        {canImprove ? (
          <Segmented
            label={t("way")}
            value={improving ? "improve" : "anew"}
            onChange={way}
            segments={[
              { value: "improve", label: t("improve") },
              { value: "anew", label: t("anew") },
            ]}
          />
        ) : null}
        <Field label={t(improving ? "change" : `wish.${kind}`)} hint={t(`hint.${kind}`)} error={asked && !working ? wrong : undefined}>
          <Textarea
            rows={4}
            autoFocus
            value={text}
            readOnly={working}
            placeholder={t(improving ? "changePlaceholder" : `placeholder.${kind}`)}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={keys}
          />
        </Field>
        {improving && place?.node && kind !== "schema" && !working ? <Beginning kind={kind} onText={setText} /> : null}
        {improving && kind === "prompt" ? (
          <Field label={t("ideal")} optional={t("optional")}>
            <Textarea rows={2} value={ideal} readOnly={working} maxLength={MOST} onChange={(event) => setIdeal(event.target.value)} onKeyDown={keys} />
          </Field>
        ) : null}
        <Field label={t("writer.label")}>
          <WriterSelect own={model} value={writer} disabled={working} onChange={setWriter} />
        </Field>
        {working ? <Waiting text={t("working")} long={t("workingLong")} seconds={(seconds) => t("seconds", { seconds })} /> : null}
        {error && !working ? <Failure error={error} /> : null}
        {proposal && !working ? <Shown kind={kind} proposal={proposal} /> : null}
      </div>
    </Dialog>
  );
}

/** One question at a time; leaving the dialog ends it. */
function useGenerate() {
  const call = useRef<AbortController>(undefined);
  const [proposal, setProposal] = useState<Proposal>();
  const change = useMutation({ mutationFn: ({ wish, signal }: { wish: Wish; signal: AbortSignal }) => generate(wish, signal) });
  useEffect(() => () => call.current?.abort(), []);
  const run = (wish: Wish) => {
    const controller = new AbortController();
    call.current = controller;
    setProposal(undefined);
    change.mutate({ wish, signal: controller.signal }, { onSuccess: (made) => (controller.signal.aborted ? undefined : setProposal(made)) });
  };
  const stop = () => {
    call.current?.abort();
    change.reset();
  };
  const clear = () => {
    stop();
    setProposal(undefined);
  };
  return { run, stop, clear, working: change.isPending, error: change.error, proposal };
}

function Failure({ error }: { error: Error }) {
  const { t } = useTranslation("generate");
  const noModel = error instanceof HttpError && error.code === "provider_not_initialize";
  return (
    <div className="banner flex-wrap" data-tone="bad" role="alert">
      <CircleAlert size={16} className="flex-none" aria-hidden />
      <span className="flex-1 min-w-0 break-words">
        <b className="font-semibold block">{t("failed")}</b>
        {messageOf(error)}
      </span>
      {noModel ? (
        <Link to="/settings/models" className="btn">
          {t("models")}
        </Link>
      ) : null}
    </div>
  );
}

function Shown({ kind, proposal }: { kind: Kind; proposal: Proposal }) {
  const { t } = useTranslation("generate");
  const { text, message, variables, opening } = proposal;
  return (
    <section className="flex flex-col gap-2" aria-label={t("proposal")}>
      <h3 className="lbl">{t("proposal")}</h3>
      {message ? <p className="text-13 text-ink-2 break-words">{message}</p> : null}
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keyboard
        tabIndex={0}
        className={
          kind === "prompt"
            ? "rounded-md border border-line-1 bg-surface-2 px-3 py-2 text-13 font-ui whitespace-pre-wrap break-words max-h-80 overflow-auto"
            : "codebox max-h-80 overflow-auto"
        }
      >
        {text}
      </pre>
      {variables.length > 0 ? <p className="hint">{t("variables", { names: variables.join(", ") })}</p> : null}
      {opening ? <p className="hint break-words">{t("opening", { text: opening })}</p> : null}
      {kind === "code" ? <p className="hint">{t("readCode")}</p> : null}
      <p role="status" className="sr-only">
        {t("ready")}
      </p>
    </section>
  );
}
