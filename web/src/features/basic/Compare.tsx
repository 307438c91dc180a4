/** One question to the app with several models side by side. */

import { CircleAlert, Plus, RotateCcw, X } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { sameProvider } from "../../data/models";
import { rulesFrom } from "../../lib/files";
import { AttachedFiles, useAttachments } from "../../ui/Attach";
import { Button, IconButton } from "../../ui/Button";
import { Prose } from "../../ui/Prose";
import { Composer } from "./Composer";
import { Given } from "./Given";
import { type Config, type Inputs, type ModelChoice, missingInput, unsentFiles, wireInputs, writeConfig } from "./model";
import { TurnView } from "./TurnView";
import { usePreview } from "./usePreview";

interface Props {
  readonly appId: string;
  readonly completion: boolean;
  readonly config: Config;
  /** Columns stand under each other. */
  readonly narrow: boolean;
  readonly picker: (value: ModelChoice | undefined, onChange: (value: ModelChoice) => void) => ReactNode;
  /** The configuration as it is sent: how an agent works depends on the model. */
  readonly wire: (config: Config) => Config;
  readonly onUse: (model: ModelChoice) => void;
  readonly onClose: () => void;
}

interface Column {
  readonly model: ModelChoice | undefined;
}

type Lane = ReturnType<typeof usePreview>;

const LANES = [0, 1, 2, 3] as const;

/** A conversation for every column there can be: the number of hooks must not change. */
function useLanes(appId: string, completion: boolean): readonly [Lane, Lane, Lane, Lane] {
  const kind = completion ? "completion" : "chat";
  return [usePreview(appId, kind), usePreview(appId, kind), usePreview(appId, kind), usePreview(appId, kind)];
}

export function Compare({ appId, completion, config, narrow, picker, wire, onUse, onClose }: Props) {
  const { t } = useTranslation("basic");
  const { t: w } = useTranslation("webapp");
  const lanes = useLanes(appId, completion);
  const [columns, setColumns] = useState<readonly (Column | undefined)[]>([{ model: config.model }, { model: undefined }, undefined, undefined]);
  const [inputs, setInputs] = useState<Inputs>({});
  const [query, setQuery] = useState("");
  const [wrong, setWrong] = useState<string>();
  const [filling, setFilling] = useState(false);
  const rules = useMemo(() => rulesFrom(config.files), [config.files]);
  const attached = useAttachments(rules);
  const shown = LANES.flatMap((lane) => {
    const column = columns[lane];
    return column ? [{ lane, column, preview: lanes[lane] }] : [];
  });
  const busy = shown.some(({ preview }) => preview.busy);
  const begun = shown.some(({ preview }) => preview.turns.length > 0);
  const free = LANES.find((lane) => !columns[lane]);
  const put = (lane: number, column: Column | undefined) => setColumns((now) => now.map((old, at) => (at === lane ? column : old)));
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
    const asked = shown.filter(({ column }) => column.model);
    if (asked.length === 0) return setWrong(t("model.none"));
    setWrong(undefined);
    setQuery("");
    setFilling(false);
    const files = rules ? attached.sent() : [];
    if (!completion) attached.clear();
    for (const { column, preview } of asked) {
      const mine = writeConfig(wire({ ...config, model: column.model }));
      void preview.ask({ query: text.trim(), inputs: wireInputs(config.fields, inputs), files, config: mine, followUp: false });
    }
  };
  const stop = () => {
    for (const { preview } of shown) if (preview.busy) preview.stop();
  };
  const restart = () => {
    stop();
    for (const { preview } of shown) preview.restart();
  };
  return (
    <section className="flex-1 min-w-0 min-h-0 flex flex-col bg-surface-2" aria-label={t("compare.title")}>
      <header className="flex items-center gap-2 px-4.5 min-h-10 flex-none border-b border-line-1">
        <h2 className="font-semibold flex-1">{t("compare.title")}</h2>
        {free === undefined ? null : (
          <Button size="sm" kind="quiet" icon={Plus} onClick={() => put(free, { model: undefined })}>
            {t("compare.add")}
          </Button>
        )}
        <IconButton size="sm" icon={RotateCcw} label={t("preview.restart")} disabled={!begun} onClick={restart} />
        <IconButton
          size="sm"
          icon={X}
          label={t("compare.close")}
          onClick={() => {
            stop();
            onClose();
          }}
        />
      </header>
      <div className="flex-1 min-h-0 overflow-auto px-4.5 py-4 flex flex-col gap-3">
        {config.fields.length > 0 ? (
          <div className="flex-none">
            <Given fields={config.fields} inputs={inputs} folded={begun && !filling} onEdit={() => setFilling(true)} onChange={setInputs} />
          </div>
        ) : null}
        <div
          className={`grid gap-3 ${narrow ? "" : "flex-1 min-h-[240px]"}`}
          style={narrow ? {} : { gridTemplateColumns: `repeat(${shown.length}, minmax(250px, 1fr))`, gridTemplateRows: "minmax(0, 1fr)" }}
        >
          {shown.map(({ lane, column, preview }) => (
            <ColumnView
              key={lane}
              appId={appId}
              name={column.model?.name ?? t("compare.column", { number: lane + 1 })}
              column={column}
              preview={preview}
              completion={completion}
              opening={completion ? "" : config.opening}
              used={sameChoice(column.model, config.model)}
              picker={picker(column.model, (model) => put(lane, { model }))}
              onUse={(model) => {
                onUse(model);
                toast(t("compare.taken", { name: model.name }));
              }}
              onRemove={
                shown.length > 1
                  ? () => {
                      if (preview.busy) preview.stop();
                      preview.restart();
                      put(lane, undefined);
                    }
                  : undefined
              }
            />
          ))}
        </div>
      </div>
      <div className="px-4.5 pb-3.5 pt-2 flex flex-col gap-2 flex-none">
        {wrong ? (
          <div className="wrong" role="alert">
            <CircleAlert size={14} aria-hidden />
            {wrong}
          </div>
        ) : null}
        <AttachedFiles attached={attached} />
        <Composer attached={attached} completion={completion} busy={busy} query={query} onQuery={setQuery} onSend={send} onStop={stop} />
      </div>
    </section>
  );
}

/** The same model with the same settings. */
function sameChoice(a: ModelChoice | undefined, b: ModelChoice | undefined): boolean {
  if (!a || !b) return false;
  return sameProvider(a.provider, b.provider) && a.name === b.name && JSON.stringify(a.params) === JSON.stringify(b.params);
}

interface ColumnProps {
  readonly appId: string;
  readonly name: string;
  readonly column: Column;
  readonly preview: Lane;
  readonly completion: boolean;
  readonly opening: string;
  /** The configuration has this model. */
  readonly used: boolean;
  readonly picker: ReactNode;
  readonly onUse: (model: ModelChoice) => void;
  readonly onRemove: (() => void) | undefined;
}

function ColumnView({ appId, name, column, preview, completion, opening, used, picker, onUse, onRemove }: ColumnProps) {
  const { t } = useTranslation("basic");
  const { model } = column;
  return (
    <section className="card flex flex-col min-w-0 min-h-0" aria-label={name}>
      <div className="flex items-center gap-1 p-2 border-b border-line-1">
        <div className="flex-1 min-w-0">{picker}</div>
        {onRemove ? <IconButton size="sm" icon={X} label={t("compare.remove", { name })} onClick={onRemove} /> : null}
      </div>
      <div className="flex-1 min-h-[120px] overflow-auto p-3 flex flex-col gap-4" aria-live="polite" aria-busy={preview.busy}>
        {opening ? <Prose text={opening} /> : null}
        {preview.turns.length === 0 && !opening ? <p className="text-ink-3">{t(model ? "compare.empty" : "compare.choose")}</p> : null}
        {preview.turns.map((turn) => (
          <TurnView key={turn.key} appId={appId} turn={turn} completion={completion} onMore={undefined} />
        ))}
      </div>
      {model ? (
        <div className="p-2 border-t border-line-1">
          <Button size="sm" disabled={used} aria-label={t(used ? "compare.usedNamed" : "compare.useNamed", { name })} onClick={() => onUse(model)}>
            {t(used ? "compare.used" : "compare.use")}
          </Button>
        </div>
      ) : null}
    </section>
  );
}
