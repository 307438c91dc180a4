/** One sentence in, a draft out: the default model plans the app. */
import { CircleAlert } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Described, describeApp, useAppChange } from "../../data/apps";
import { HttpError, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Textarea } from "../../ui/Input";
import { Kbd } from "../../ui/Kbd";
import { Waiting } from "../../ui/Waiting";

const MOST = 2000;
const EXAMPLES = ["example1", "example2", "example3"] as const;

interface Props {
  readonly onClose: () => void;
  readonly onOpen: (appId: string) => void;
  readonly onModels: () => void;
}

export function DescribeDialog({ onClose, onOpen, onModels }: Props) {
  const { t } = useTranslation("apps");
  const { t: c } = useTranslation();
  const [text, setText] = useState("");
  const [asked, setAsked] = useState(false);
  const { run, stop, working, error, unusable } = useDescribe(onOpen);
  const wrong = text.trim() === "" ? t("describe.need") : text.trim().length > MOST ? t("describe.tooLong") : undefined;
  const send = () => {
    setAsked(true);
    if (!wrong && !working) run(text.trim());
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    send();
  };
  return (
    <Dialog
      open
      title={t("describe.title")}
      about={t("describe.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        working ? (
          <Button onClick={stop}>{t("describe.stop")}</Button>
        ) : (
          <>
            <Button onClick={onClose}>{c("common.cancel")}</Button>
            <Button kind="primary" onClick={send}>
              {error || unusable ? t("describe.again") : t("describe.submit")}
              <Kbd keys="mod+enter" />
            </Button>
          </>
        )
      }
    >
      <div className="flex flex-col gap-4">
        <Field
          label={t("describe.label")}
          hint={t("describe.hint", { left: Math.max(0, MOST - text.trim().length) })}
          error={asked && !working ? wrong : undefined}
        >
          <Textarea
            rows={4}
            autoFocus
            value={text}
            readOnly={working}
            placeholder={t("describe.placeholder")}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={keys}
          />
        </Field>
        {working ? (
          <Waiting text={t("describe.working")} long={t("describe.workingLong")} seconds={(seconds) => t("describe.seconds", { seconds })} />
        ) : (
          <Examples onPick={setText} />
        )}
        {error && !working ? <Failure error={error} onModels={onModels} /> : null}
        {unusable && !working ? <Unusable told={unusable} /> : null}
      </div>
    </Dialog>
  );
}

/** One question at a time; leaving the dialog ends it. */
function useDescribe(onOpen: (appId: string) => void) {
  const call = useRef<AbortController>(undefined);
  const [unusable, setUnusable] = useState<Described>();
  const change = useAppChange(({ text, signal }: { text: string; signal: AbortSignal }) => describeApp(text, signal));
  useEffect(() => () => call.current?.abort(), []);
  const run = (text: string) => {
    const controller = new AbortController();
    call.current = controller;
    setUnusable(undefined);
    change.mutate(
      { text, signal: controller.signal },
      { onSuccess: (told) => (controller.signal.aborted ? undefined : told.app_id ? onOpen(told.app_id) : setUnusable(told)) },
    );
  };
  const stop = () => {
    call.current?.abort();
    change.reset();
  };
  return { run, stop, working: change.isPending, error: change.error, unusable };
}

function Examples({ onPick }: { onPick: (text: string) => void }) {
  const { t } = useTranslation("apps");
  return (
    <fieldset>
      <legend className="lbl mb-[5px]">{t("describe.examples")}</legend>
      <div className="flex flex-col gap-1.5">
        {EXAMPLES.map((key) => (
          <button key={key} type="button" className="radiocard text-start max-md:min-h-10" onClick={() => onPick(t(`describe.${key}`))}>
            <span className="min-w-0">{t(`describe.${key}`)}</span>
          </button>
        ))}
      </div>
    </fieldset>
  );
}

function Failure({ error, onModels }: { error: Error; onModels: () => void }) {
  const { t } = useTranslation("apps");
  const noModel = error instanceof HttpError && error.code === "provider_not_initialize";
  return (
    <div className="banner flex-wrap" data-tone="bad" role="alert">
      <CircleAlert size={16} className="flex-none" aria-hidden />
      <span className="flex-1 min-w-0">
        <b className="font-semibold block">{t("describe.failed")}</b>
        {messageOf(error)}
      </span>
      {noModel ? <Button onClick={onModels}>{t("describe.noModel")}</Button> : null}
    </div>
  );
}

function Unusable({ told }: { told: Described }) {
  const { t } = useTranslation("apps");
  return (
    <div className="flex flex-col gap-2">
      <div className="banner" data-tone="warn" role="alert">
        <CircleAlert size={16} className="flex-none" aria-hidden />
        <span>
          <b className="font-semibold block">{t("describe.failed")}</b>
          {t("describe.unusable")}
        </span>
      </div>
      <details>
        <summary className="cursor-pointer min-h-6 max-md:min-h-10">{t("describe.problems")}</summary>
        <ul className="list-disc ps-5 text-12 text-ink-2 break-words">
          {told.problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      </details>
      <details>
        <summary className="cursor-pointer min-h-6 max-md:min-h-10">{t("describe.answer")}</summary>
        <pre className="mono text-12 whitespace-pre-wrap break-words max-h-60 overflow-auto">{told.answer}</pre>
      </details>
    </div>
  );
}
