/** How the chosen things are processed: the input fields, the chunks they would become, and the start. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { ChevronDown, FileText, Scissors, Sparkles } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type PipelineField, type PipelineRun, previewRun, processFields } from "../../data/pipelines";
import { errorDetails, messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import { useMedia } from "../../lib/media";
import { Button } from "../../ui/Button";
import { Kbd } from "../../ui/Kbd";
import { Menu } from "../../ui/Menu";
import { Segmented } from "../../ui/Segmented";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { Chunks } from "../knowledge/Preview";
import { FieldsForm } from "./FieldsForm";
import { inputsOf, isReady, type Values } from "./fields";
import type { Item, SourceNode } from "./sources";
import { chunksOf, runOf } from "./steps";

interface Props {
  readonly pipelineId: string;
  readonly source: SourceNode;
  readonly items: readonly Item[];
  readonly values: Values;
  readonly onValues: (values: Values) => void;
  readonly back: string;
  readonly submit: string;
  readonly busy: boolean;
  readonly error: Error | null;
  readonly onBack: () => void;
  readonly onSubmit: (run: PipelineRun) => void;
}

export function ProcessStep(props: Props) {
  const { t } = useTranslation("pipelines");
  const { t: k } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const { pipelineId, source, items, values } = props;
  const query = useQuery(processFields(pipelineId, "published", source.id));
  const fields: readonly PipelineField[] = query.data ?? [];
  const [tried, setTried] = useState(false);
  const narrow = useMedia("(max-width: 899px)");
  const [pane, setPane] = useState<"settings" | "preview">("settings");
  const ready = query.data !== undefined && isReady(fields, values);
  const save = () => {
    setTried(true);
    if (ready && !props.busy && items.length > 0) props.onSubmit(runOf(source, items, inputsOf(fields, values)));
  };
  useKeys({ "mod+Enter": save });
  return (
    <>
      {narrow ? (
        <div className="px-4 py-2 border-b border-line-1 flex justify-center">
          <Segmented
            label={k("create.panes")}
            value={pane}
            onChange={setPane}
            segments={[
              { value: "settings", label: t("process.fields") },
              { value: "preview", label: k("preview.title") },
            ]}
          />
        </div>
      ) : null}
      <div className="flex-1 min-h-0 flex">
        <form
          className={`kb-settings${narrow && pane !== "settings" ? " hidden" : ""}`}
          data-narrow={narrow}
          aria-label={t("process.fields")}
          onSubmit={(event) => {
            event.preventDefault();
            save();
          }}
        >
          <div className="flex-1 min-h-0 overflow-auto px-6 max-md:px-4 py-4.5 flex flex-col gap-4">
            <h2 className="font-semibold">{t("process.fields")}</h2>
            {query.isPending ? (
              <SkeletonRows rows={3} height={44} slow={c("common.slow")} label={c("common.loading")} />
            ) : query.error ? (
              <Failed title={t("process.failed")} text={messageOf(query.error)} retry={{ label: c("common.retry"), onClick: () => void query.refetch() }} />
            ) : fields.length === 0 ? (
              <p className="hint">{t("process.noFields")}</p>
            ) : (
              <FieldsForm fields={fields} values={values} tried={tried} onChange={props.onValues} />
            )}
          </div>
          <footer className="px-6 max-md:px-4 py-2.5 border-t border-line-1 flex flex-col gap-2">
            {props.error ? (
              <div className="wrong" role="alert">
                {messageOf(props.error)}
              </div>
            ) : null}
            <div className="flex items-center gap-3">
              <Button onClick={props.onBack}>{props.back}</Button>
              <span className="flex-1 text-12 text-ink-3 num">{k("create.count", { count: items.length })}</span>
              <Button type="submit" kind="primary" busy={props.busy} disabled={query.data === undefined || items.length === 0}>
                {props.submit}
                <Kbd keys="mod+enter" />
              </Button>
            </div>
          </footer>
        </form>
        {narrow && pane !== "preview" ? null : (
          <PreviewPane
            pipelineId={pipelineId}
            items={items}
            runFor={(item) => {
              setTried(true);
              return ready ? runOf(source, [item], inputsOf(fields, values)) : undefined;
            }}
          />
        )}
      </div>
    </>
  );
}

interface PaneProps {
  readonly pipelineId: string;
  readonly items: readonly Item[];
  /** The run for one of them; nothing while a field is wrong. */
  readonly runFor: (item: Item) => PipelineRun | undefined;
}

/** A preview is a whole run, perhaps with models: it is asked for, not made with every letter. */
function PreviewPane({ pipelineId, items, runFor }: PaneProps) {
  const { t } = useTranslation("pipelines");
  const { t: k } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const [chosen, setChosen] = useState<string>();
  const item = items.find((each) => each.id === chosen) ?? items[0];
  const control = useRef<AbortController>(undefined);
  useEffect(() => () => control.current?.abort(), []);
  const preview = useMutation({
    mutationFn: (run: PipelineRun) => {
      control.current?.abort();
      control.current = new AbortController();
      return previewRun(pipelineId, run, control.current.signal);
    },
  });
  const look = (which: Item | undefined) => {
    const run = which ? runFor(which) : undefined;
    if (run) preview.mutate(run);
  };
  const answer = preview.data?.data;
  const chunks = chunksOf(answer?.outputs);
  const failure = preview.error ? messageOf(preview.error) : answer && !chunks ? (answer.error ?? t("process.noChunks")) : undefined;
  return (
    <section className="flex-1 min-w-0 flex flex-col min-h-0 bg-canvas" aria-label={k("preview.title")} aria-busy={preview.isPending}>
      <header className="flex items-center gap-2 px-5 max-md:px-4 min-h-11 border-b border-line-1 flex-none flex-wrap py-2 relative">
        {item ? (
          <Menu
            align="start"
            entries={items.map((each) => ({
              key: each.id,
              label: each.name,
              checked: each.id === item.id,
              onSelect: () => {
                setChosen(each.id);
                look(each);
              },
            }))}
            trigger={
              <button type="button" className="btn min-w-0" style={{ flex: "0 1 auto" }}>
                <FileText size={14} strokeWidth={1.9} aria-hidden />
                <span className="truncate" style={{ lineHeight: "18px" }}>
                  {item.name}
                </span>
                <span className="text-ink-3 font-regular num">{k("preview.of", { at: items.indexOf(item) + 1, count: items.length })}</span>
                <ChevronDown size={14} strokeWidth={1.9} aria-hidden />
              </button>
            }
          />
        ) : null}
        <span className="flex-1" />
        <Button size="sm" icon={Sparkles} busy={preview.isPending} disabled={!item} onClick={() => look(item)}>
          {t("process.preview")}
        </Button>
        {preview.isPending ? <span className="kb-busy" aria-hidden /> : null}
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to reach it */}
      <div className="flex-1 min-h-0 overflow-auto px-5 max-md:px-4 py-4" tabIndex={0}>
        {preview.isPending ? (
          <SkeletonRows rows={6} height={64} slow={k("preview.slow")} label={c("common.loading")} />
        ) : failure !== undefined ? (
          <Failed
            title={k("preview.failed", { name: item?.name ?? "" })}
            text={failure}
            retry={{ label: c("common.retry"), onClick: () => look(item) }}
            {...(preview.error ? { details: { label: c("common.details"), copied: c("common.copied"), text: errorDetails(preview.error) } } : {})}
          />
        ) : chunks ? (
          <Chunks data={chunks.estimate} form={chunks.form} />
        ) : (
          <Empty icon={Scissors} cat="knowledge" title={t("process.noPreview")} text={t("process.noPreviewText")} />
        )}
      </div>
    </section>
  );
}
