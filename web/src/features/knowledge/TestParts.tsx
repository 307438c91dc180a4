/** The parts of the retrieval test that its page and its pane share. */
import { useQuery } from "@tanstack/react-query";
import { History, SlidersHorizontal } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Textarea } from "../../ui/Input";
import { Menu, Popover } from "../../ui/Menu";
import { Segmented } from "../../ui/Segmented";
import { changeDataset, MAX_QUESTION, queryLog, useKnowledgeChange } from "./api";
import { RetrievalForm } from "./RetrievalForm";
import { METHODS, retrievalOf, sameRetrieval, wireRetrieval, withMethod } from "./retrieval";
import { useKnowledgeRights } from "./rights";
import type { AskedPicture, Dataset, QueryRow } from "./types";
import { embeddingOf, type Test } from "./useTest";

export function Question({ value, onChange, onSend }: { value: string; onChange: (text: string) => void; onSend: () => void }) {
  const { t } = useTranslation("knowledge");
  const box = useRef<HTMLTextAreaElement>(null);
  useEffect(() => box.current?.focus(), []);
  return (
    <div className="flex flex-col gap-1">
      <Textarea
        ref={box}
        rows={2}
        maxLength={MAX_QUESTION}
        aria-label={t("test.question")}
        placeholder={t("test.placeholder")}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          onSend();
        }}
      />
      {value.length > MAX_QUESTION - 50 ? <span className="hint num text-end">{t("test.length", { count: value.length, most: MAX_QUESTION })}</span> : null}
    </div>
  );
}

/** The method at hand, the rest behind a button. */
export function Settings({ dataset, test, onRun }: { dataset: Dataset; test: Test; onRun: () => void }) {
  const { t } = useTranslation("knowledge");
  const { settings } = test;
  const technique = dataset.indexing_technique ?? "high_quality";
  const about = [
    t("test.top", { count: settings.top_k }),
    ...(settings.score_threshold_enabled ? [t("test.over", { limit: (settings.score_threshold ?? 0).toFixed(2) })] : []),
    ...(settings.reranking_enable ? [t("test.rerank")] : []),
  ].join(", ");
  return (
    <div className="flex items-center gap-2 flex-wrap">
      {technique === "economy" ? null : (
        <Segmented
          label={t("retrieval.method")}
          value={settings.search_method}
          onChange={(method) => {
            test.change(withMethod(settings, method));
          }}
          segments={METHODS.map((method) => ({ value: method, label: t(`retrieval.methods.${method}`) }))}
        />
      )}
      <Popover
        label={t("test.settings")}
        align="end"
        className="w-[360px] max-w-[calc(100vw-24px)] p-4"
        onOpenChange={(open) => (open ? undefined : onRun())}
        trigger={
          <Button size="sm" icon={SlidersHorizontal} aria-label={`${t("test.settings")}: ${about}`}>
            {about}
          </Button>
        }
      >
        <div className="p-3">
          <RetrievalForm value={settings} technique={technique} embedding={embeddingOf(dataset)} onChange={test.change} />
        </div>
      </Popover>
    </div>
  );
}

/** Says that a test changes nothing, and lets it. */
export function Keep({ dataset, test }: { dataset: Dataset; test: Test }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const edit = useKnowledgeRights();
  const save = useKnowledgeChange(() => changeDataset(dataset.id, { retrieval_model: wireRetrieval(test.settings, embeddingOf(dataset)) }));
  if (sameRetrieval(test.settings, retrievalOf(dataset))) return <span className="text-12 text-ink-3">{t("test.stored")}</span>;
  return (
    <div className="flex items-center gap-2 text-12 text-ink-3 flex-wrap">
      <span className="flex-1">{t("test.only")}</span>
      {edit ? (
        <Button
          size="sm"
          busy={save.isPending}
          disabled={!test.ready}
          onClick={() =>
            save.mutate(undefined, {
              onSuccess: () => toast(t("test.kept")),
              onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
            })
          }
        >
          {t("test.keep")}
        </Button>
      ) : null}
    </div>
  );
}

export function questionOf(row: QueryRow): string {
  return row.queries?.find((each) => each.content_type === "text_query")?.content ?? row.content ?? "";
}

/** The pictures of a question whose files are still there. */
export function picturesOf(row: QueryRow): readonly AskedPicture[] {
  return row.queries?.flatMap((each) => (each.content_type === "image_query" && each.file_info ? [each.file_info] : [])) ?? [];
}

interface AskedProps {
  readonly dataset: Dataset;
  readonly onChoose: (question: string, pictures: readonly AskedPicture[]) => void;
}

/** What was asked before, by tests and by apps. */
export function Asked({ dataset, onChoose }: AskedProps) {
  const { t } = useTranslation("knowledge");
  const format = useFormat();
  const log = useQuery(queryLog(dataset.id));
  const rows = (log.data?.data ?? [])
    .map((row) => ({ row, question: questionOf(row), pictures: dataset.is_multimodal ? picturesOf(row) : [] }))
    .filter(({ question, pictures }) => question !== "" || pictures.length > 0);
  return (
    <Menu
      trigger={
        <Button kind="quiet" size="sm" icon={History}>
          {t("test.history")}
        </Button>
      }
      entries={
        log.error
          ? [{ key: "failed", head: messageOf(log.error) }]
          : rows.length === 0
            ? [{ key: "none", head: t(log.isPending ? "test.reading" : "test.neverAsked") }]
            : rows.map(({ row, question, pictures }) => ({
                key: row.id,
                label: [question, ...(pictures.length > 0 ? [t("chunks.pictures", { count: pictures.length })] : [])].filter((text) => text !== "").join(" + "),
                hint: `${t(row.source === "hit_testing" ? "test.byTest" : "test.byApp")}, ${format.ago(row.created_at)}`,
                onSelect: () => onChoose(question, pictures),
              }))
      }
    />
  );
}
