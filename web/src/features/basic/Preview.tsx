/** The right half: the app as it would answer now. */

import { Link } from "@tanstack/react-router";
import { BookOpen, CircleAlert, CopyPlus, RotateCcw, Send, Square, TextCursorInput, Zap } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { Button, IconButton } from "../../ui/Button";
import { Prose } from "../../ui/Prose";
import { Approvals } from "../tools/Approvals";
import { Thoughts } from "../tools/Thoughts";
import { InputForm } from "./InputForm";
import { type Config, type Inputs, missingInput, wireInputs, writeConfig } from "./model";
import { type Source, type Turn, usePreview } from "./usePreview";

interface Props {
  readonly appId: string;
  readonly completion: boolean;
  readonly config: Config;
  /** Takes the whole width, or waits behind the settings. */
  readonly narrow: boolean;
  readonly hidden: boolean;
}

export function Preview({ appId, completion, config, narrow, hidden }: Props) {
  const { t } = useTranslation("basic");
  const [inputs, setInputs] = useState<Inputs>({});
  const [query, setQuery] = useState("");
  const [wrong, setWrong] = useState<string>();
  const [filling, setFilling] = useState(false);
  const preview = usePreview(appId, completion ? "completion" : "chat");
  const { turns, busy } = preview;
  const end = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const stuck = useRef(true);
  const last = turns.at(-1);
  // biome-ignore lint/correctness/useExhaustiveDependencies: follows the text as it grows
  useEffect(() => {
    if (stuck.current) end.current?.scrollIntoView({ block: "end" });
  }, [last?.answer, last?.thoughts, last?.state, turns.length]);
  const send = (text: string) => {
    if (busy || (!completion && text.trim() === "")) return;
    const missing = missingInput(config.fields, inputs);
    if (missing) {
      setFilling(true);
      return setWrong(t("preview.required", { name: missing.label }));
    }
    if (!config.model) return setWrong(t("model.none"));
    setWrong(undefined);
    setQuery("");
    setFilling(false);
    stuck.current = true;
    void preview.ask({ query: text.trim(), inputs: wireInputs(config.fields, inputs), config: writeConfig(config), followUp: config.followUp });
  };
  const more = (turn: Turn) => {
    stuck.current = true;
    void preview.ask({ query: turn.query, inputs: turn.inputs, config: writeConfig(config), followUp: false, another: true });
  };
  const suggestions = turns.length === 0 ? config.questions.filter((q) => q.trim()) : last?.state === "done" ? (last.followUps ?? []) : [];
  return (
    <aside
      className={`flex flex-col min-h-0 bg-surface-2 ${narrow ? "flex-1" : "border-s border-line-1"} ${hidden ? "hidden" : ""}`}
      style={narrow ? {} : { width: "clamp(340px, 39vw, 560px)" }}
      aria-label={t("preview.title")}
    >
      <header className="flex items-center gap-2 px-4.5 h-10 flex-none border-b border-line-1">
        <h2 className="font-semibold">{t("preview.title")}</h2>
        <span className="text-12 text-ink-3">{t("preview.draft")}</span>
        <div className="flex-1" />
        <IconButton size="sm" icon={RotateCcw} label={t("preview.restart")} disabled={turns.length === 0} onClick={preview.restart} />
      </header>
      <div
        ref={box}
        className="flex-1 min-h-0 overflow-auto px-4.5 py-4 flex flex-col gap-4"
        onScroll={(event) => {
          const el = event.currentTarget;
          stuck.current = el.scrollHeight - el.scrollTop - el.clientHeight < 40;
        }}
      >
        {config.fields.length > 0 ? (
          <Given
            fields={config.fields}
            inputs={inputs}
            folded={!completion && turns.length > 0 && !filling}
            onEdit={() => setFilling(true)}
            onChange={setInputs}
          />
        ) : null}
        {!completion && config.opening ? <Prose text={config.opening} /> : null}
        {turns.length === 0 && !config.opening ? <p className="text-ink-3">{t(completion ? "preview.emptyCompletion" : "preview.empty")}</p> : null}
        <div className="flex flex-col gap-4" aria-live="polite">
          {turns.map((turn) => (
            <TurnView key={turn.key} turn={turn} completion={completion} onMore={completion && config.more && !busy ? () => more(turn) : undefined} />
          ))}
        </div>
        <div ref={end} />
      </div>
      <div className="px-4.5 pb-3.5 pt-2 flex flex-col gap-2 flex-none">
        {wrong ? (
          <div className="wrong" role="alert">
            <CircleAlert size={14} aria-hidden />
            {wrong}
          </div>
        ) : null}
        {suggestions.length > 0 && !completion ? (
          <div className="flex gap-1.5 flex-wrap">
            {suggestions.map((question) => (
              <Button
                key={question}
                size="sm"
                disabled={busy}
                onClick={() => send(question)}
                style={{ height: "auto", minHeight: 24, whiteSpace: "normal", textAlign: "start", lineHeight: "16px" }}
              >
                {question}
              </Button>
            ))}
          </div>
        ) : null}
        {completion ? (
          busy ? (
            <Button icon={Square} onClick={preview.stop}>
              {t("preview.stop")}
            </Button>
          ) : (
            <Button kind="primary" icon={Zap} onClick={() => send("")}>
              {t("preview.run")}
            </Button>
          )
        ) : (
          <form
            className="rounded-lg border border-line-2 bg-surface-1 p-2.5 focus-within:outline-2 focus-within:outline-focus"
            onSubmit={(event) => {
              event.preventDefault();
              send(query);
            }}
          >
            <textarea
              className="w-full resize-none outline-none bg-transparent"
              rows={2}
              aria-label={t("preview.ask")}
              placeholder={t("preview.ask")}
              value={query}
              onChange={(event) => setQuery(event.target.value)}
              onKeyDown={(event) => {
                if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
                event.preventDefault();
                send(query);
              }}
            />
            <div className="flex justify-end">
              {busy ? (
                <Button icon={Square} onClick={preview.stop}>
                  {t("preview.stop")}
                </Button>
              ) : (
                <Button type="submit" kind="primary" icon={Send} disabled={query.trim() === ""}>
                  {t("preview.send")}
                </Button>
              )}
            </div>
          </form>
        )}
      </div>
    </aside>
  );
}

interface GivenProps {
  readonly fields: Config["fields"];
  readonly inputs: Inputs;
  readonly folded: boolean;
  readonly onEdit: () => void;
  readonly onChange: (inputs: Inputs) => void;
}

/** The form before the chat; on one line when the chat has begun. */
function Given({ fields, inputs, folded, onEdit, onChange }: GivenProps) {
  const { t } = useTranslation();
  if (!folded) {
    return (
      <div className="card p-3">
        <InputForm fields={fields} values={inputs} onChange={onChange} />
      </div>
    );
  }
  return (
    <div className="card flex items-center gap-3 px-3 py-1.5">
      <TextCursorInput size={14} strokeWidth={1.9} className="text-ink-3 flex-none" aria-hidden />
      <span className="flex-1 min-w-0 truncate text-12 text-ink-3">
        {fields
          .map((field) => ({ field, value: inputs[field.variable] ?? field.start }))
          .filter(({ value }) => value)
          .map(({ field, value }) => (
            <span key={field.variable} className="me-3">
              {field.label} <b className="font-semibold text-ink-1">{value}</b>
            </span>
          ))}
      </span>
      <Button size="sm" kind="quiet" onClick={onEdit}>
        {t("common.edit")}
      </Button>
    </div>
  );
}

function TurnView({ turn, completion, onMore }: { turn: Turn; completion: boolean; onMore: (() => void) | undefined }) {
  const { t } = useTranslation("basic");
  const format = useFormat();
  return (
    <>
      {completion ? null : (
        <div className="self-end bg-surface-4 rounded-lg px-3 py-2 max-w-[85%] whitespace-pre-wrap" style={{ overflowWrap: "anywhere" }}>
          <span className="visually-hidden">{t("preview.you")}: </span>
          {turn.query}
        </div>
      )}
      <div className="min-w-0">
        <Thoughts thoughts={turn.thoughts} busy={turn.state === "writing"} />
        <Approvals open={turn.approvals} />
        {turn.state === "writing" && turn.answer === "" && turn.approvals.length === 0 ? <span className="text-running">{t("preview.writing")}</span> : null}
        {turn.answer ? <Prose text={turn.answer} /> : null}
        {turn.state === "failed" ? (
          <div className="banner mt-2" data-tone="bad" role="alert">
            <CircleAlert size={16} aria-hidden />
            <span style={{ overflowWrap: "anywhere" }}>
              <b className="font-semibold">{t("preview.failed")}</b> {turn.error}
            </span>
          </div>
        ) : null}
        {turn.state === "writing" ? null : (
          <div className="flex gap-3 mt-1.5 text-12 text-ink-3 num flex-wrap">
            {turn.state === "stopped" ? <span>{t("preview.stopped")}</span> : null}
            {turn.first === undefined ? null : <span>{t("preview.first", { time: format.duration(turn.first) })}</span>}
            {turn.total === undefined ? null : <span>{t("preview.total", { time: format.duration(turn.total) })}</span>}
            {turn.tokens === undefined ? null : <span>{t("preview.tokens", { count: turn.tokens })}</span>}
            {turn.price === undefined ? null : <span>{format.money(turn.price, turn.currency)}</span>}
          </div>
        )}
        {turn.state !== "writing" && turn.sources ? <Sources sources={turn.sources} /> : null}
        {onMore && turn.state === "done" ? (
          <Button size="sm" className="mt-2" icon={CopyPlus} onClick={onMore}>
            {t("preview.more")}
          </Button>
        ) : null}
      </div>
    </>
  );
}

/** What the answer rests on; each opens its chunk where it stands. */
function Sources({ sources }: { sources: readonly Source[] }) {
  const { t } = useTranslation("basic");
  return (
    <ul className="flex flex-col gap-1 mt-2" aria-label={t("preview.sources")}>
      {sources.map((source) => {
        const name = (
          <>
            <BookOpen size={14} strokeWidth={1.9} className="text-ink-3 flex-none" aria-hidden />
            <span className="num text-ink-3">{source.position}</span>
            <span className="truncate font-medium">{source.document}</span>
            {source.page === undefined ? null : <span className="text-ink-3 num flex-none">{t("preview.page", { page: source.page })}</span>}
          </>
        );
        return (
          <li key={source.position} className="text-12" title={source.content}>
            {source.chunk ? (
              <Link
                to="/datasets/$datasetId/documents/$documentId"
                params={{ datasetId: source.chunk.dataset, documentId: source.chunk.document }}
                search={{ chunk: source.chunk.segment }}
                target="_blank"
                className="flex items-center gap-1.5 min-w-0 hover:underline"
              >
                {name}
              </Link>
            ) : (
              <span className="flex items-center gap-1.5 min-w-0">{name}</span>
            )}
          </li>
        );
      })}
    </ul>
  );
}
