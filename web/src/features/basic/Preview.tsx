/** The right half: the app as it would answer now. */

import { CircleAlert, Columns3, RotateCcw } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { rulesFrom } from "../../lib/files";
import { AttachedFiles, useAttachments } from "../../ui/Attach";
import { Button, IconButton } from "../../ui/Button";
import { Prose } from "../../ui/Prose";
import { Composer } from "./Composer";
import { Given } from "./Given";
import { type Config, type Inputs, missingInput, unsentFiles, voiceOf, wireInputs, writeConfig } from "./model";
import { TurnView } from "./TurnView";
import { type Turn, usePreview } from "./usePreview";

interface Props {
  readonly appId: string;
  readonly completion: boolean;
  readonly config: Config;
  /** Takes the whole width, or waits behind the settings. */
  readonly narrow: boolean;
  readonly hidden: boolean;
  readonly onCompare?: () => void;
}

export function Preview({ appId, completion, config, narrow, hidden, onCompare }: Props) {
  const { t } = useTranslation("basic");
  const { t: w } = useTranslation("webapp");
  const [inputs, setInputs] = useState<Inputs>({});
  const [query, setQuery] = useState("");
  const [wrong, setWrong] = useState<string>();
  const [filling, setFilling] = useState(false);
  const preview = usePreview(appId, completion ? "completion" : "chat");
  const { turns, busy } = preview;
  const rules = useMemo(() => rulesFrom(config.files), [config.files]);
  const attached = useAttachments(rules);
  const end = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const stuck = useRef(true);
  const last = turns.at(-1);
  // biome-ignore lint/correctness/useExhaustiveDependencies: follows the text as it grows
  useEffect(() => {
    if (stuck.current) end.current?.scrollIntoView({ block: "end" });
  }, [last?.answer, last?.thoughts, last?.state, turns.length]);
  const send = (text: string) => {
    if (busy || attached.waits || (!completion && text.trim() === "")) return;
    const missing = missingInput(config.fields, inputs);
    if (missing) {
      setFilling(true);
      return setWrong(t("preview.required", { name: missing.label }));
    }
    const unsent = unsentFiles(config.fields, inputs);
    if (unsent) {
      setFilling(true);
      return setWrong(w(unsent));
    }
    if (!config.model) return setWrong(t("model.none"));
    setWrong(undefined);
    setQuery("");
    setFilling(false);
    stuck.current = true;
    const files = rules ? attached.sent() : [];
    // A form is tried again and again with the same files, a message takes them along.
    if (!completion) attached.clear();
    void preview.ask({ query: text.trim(), inputs: wireInputs(config.fields, inputs), files, config: writeConfig(config), followUp: config.followUp });
  };
  const more = (turn: Turn) => {
    stuck.current = true;
    void preview.ask({ query: turn.query, inputs: turn.inputs, files: turn.files, config: writeConfig(config), followUp: false, another: true });
  };
  const base = `/apps/${appId}`;
  const voice = voiceOf(config);
  const speaks = config.speaks ? { base, voice } : undefined;
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
        {onCompare ? <IconButton size="sm" icon={Columns3} label={t("compare.title")} onClick={onCompare} /> : null}
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
            <TurnView
              key={turn.key}
              appId={appId}
              turn={turn}
              completion={completion}
              speaks={speaks}
              onMore={completion && config.more && !busy ? () => more(turn) : undefined}
            />
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
        <AttachedFiles attached={attached} />
        <Composer
          attached={attached}
          completion={completion}
          busy={busy}
          listens={config.listens ? base : undefined}
          query={query}
          onQuery={setQuery}
          onSend={send}
          onStop={preview.stop}
        />
      </div>
    </aside>
  );
}
