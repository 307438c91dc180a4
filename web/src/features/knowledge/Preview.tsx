/** The chunks a file would become, in numbers and as they are. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ChevronDown, FileText, Scissors, Sparkles } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Badge } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { estimate, type IndexingSettings } from "./api";
import { bars, median, shared, VERY_SHORT } from "./figures";
import type { Picked } from "./sources";
import type { Estimate, SummarySetting } from "./types";
import { useSettled } from "./useSettled";

interface Props {
  readonly picked: Picked;
  readonly datasetId: string | undefined;
  /** Nothing while the settings cannot be used. */
  readonly settings: IndexingSettings | undefined;
  /** How summaries are made, where there are to be some. */
  readonly summary: SummarySetting | undefined;
}

/** Stands where there are no settings; never sent. */
const NOTHING: IndexingSettings = {
  indexing_technique: "economy",
  process_rule: { mode: "automatic", rules: null },
  doc_form: "text_model",
  doc_language: "English",
};

export function Preview({ picked, datasetId, settings, summary }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const [chosen, setChosen] = useState<string>();
  const files = picked.items;
  const file = files.find((each) => each.id === chosen) ?? files[0];
  const settled = useSettled(settings, 350);
  const query = useQuery({
    ...estimate(picked.info(file ? [file.id] : []), settled ?? NOTHING, datasetId),
    enabled: file !== undefined && settled !== undefined,
    placeholderData: keepPreviousData,
  });
  const form = settled?.doc_form;
  // Only when asked: a model writes them, and the settings change with every key.
  const wanted = file && settled && summary ? JSON.stringify([file.id, settled, summary]) : undefined;
  const [asked, setAsked] = useState<string>();
  const told = useQuery({
    ...estimate(
      picked.info(file ? [file.id] : []),
      {
        ...(settled ?? NOTHING),
        ...(summary ? { summary_index_setting: summary } : {}),
      },
      datasetId,
    ),
    enabled: wanted !== undefined && asked === wanted,
  });
  const written = wanted !== undefined && asked === wanted && !told.isPlaceholderData ? told.data : undefined;
  const write = () => (asked === wanted ? void told.refetch() : setAsked(wanted));
  return (
    <section className="flex-1 min-w-0 flex flex-col min-h-0 bg-canvas" aria-label={t("preview.title")} aria-busy={query.isFetching}>
      <header className="flex items-center gap-2 px-5 max-md:px-4 min-h-11 border-b border-line-1 flex-none flex-wrap py-2 relative">
        {file ? (
          <Menu
            align="start"
            entries={files.map((each) => ({ key: each.id, label: each.name, checked: each.id === file.id, onSelect: () => setChosen(each.id) }))}
            trigger={
              <button type="button" className="btn min-w-0" style={{ flex: "0 1 auto" }}>
                <FileText size={14} strokeWidth={1.9} aria-hidden />
                <span className="truncate" style={{ lineHeight: "18px" }}>
                  {file.name}
                </span>
                <span className="text-ink-3 font-regular num">{t("preview.of", { at: files.indexOf(file) + 1, count: files.length })}</span>
                <ChevronDown size={14} strokeWidth={1.9} aria-hidden />
              </button>
            }
          />
        ) : null}
        <span className="flex-1" />
        {form === "text_model" ? (
          <span className="text-12 text-ink-2 flex items-center gap-1.5">
            <span className="kb-shared" aria-hidden>
              {"  "}
            </span>
            {t("preview.shared")}
          </span>
        ) : null}
        {wanted !== undefined && !written ? (
          <Button icon={Sparkles} busy={told.isFetching} disabled={!query.data} onClick={write}>
            {t("preview.summarise")}
          </Button>
        ) : null}
        {query.isFetching ? <span className="kb-busy" aria-hidden /> : null}
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard has to reach it */}
      <div className="flex-1 min-h-0 overflow-auto px-5 max-md:px-4 py-4" tabIndex={0}>
        {!file ? (
          <Empty icon={Scissors} cat="knowledge" title={t("preview.none")} />
        ) : query.error && !query.isFetching ? (
          <Failed
            title={t("preview.failed", { name: file.name })}
            text={messageOf(query.error)}
            retry={{ label: c("common.retry"), onClick: () => void query.refetch() }}
            details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(query.error) }}
          />
        ) : query.data ? (
          <>
            {asked === wanted && told.error && !told.isFetching ? (
              <div className="wrong mb-3" role="alert">
                {messageOf(told.error)}
              </div>
            ) : null}
            <Chunks data={written ?? query.data} form={form} />
          </>
        ) : (
          <SkeletonRows rows={6} height={64} slow={t("preview.slow")} label={c("common.loading")} />
        )}
      </div>
    </section>
  );
}

/** Chunks that a run or an estimate shows. */
export function Chunks({ data, form }: { data: Estimate; form: string | undefined }) {
  const { t } = useTranslation("knowledge");
  const format = useFormat();
  const qa = data.qa_preview ?? [];
  const chunks = data.preview ?? [];
  const parents = form === "hierarchical_model";
  const lengths = qa.length > 0 ? qa.map((pair) => pair.question.length + pair.answer.length) : chunks.map((chunk) => chunk.content.length);
  const shown = lengths.length;
  const short = lengths.filter((length) => length < VERY_SHORT).length;
  const children = chunks.reduce((sum, chunk) => sum + (chunk.child_chunks?.length ?? 0), 0);
  if (shown === 0 && form === "qa_model") return <Empty icon={Scissors} cat="knowledge" title={t("preview.noPairs")} text={t("preview.noPairsText")} />;
  if (shown === 0) return <Empty icon={Scissors} cat="knowledge" title={t("preview.empty")} text={t("preview.emptyText")} />;
  return (
    <>
      <div className="flex items-end gap-6 pb-4 flex-wrap">
        <dl className="kb-numbers">
          <Figure
            value={format.number(data.total_segments)}
            label={t(parents ? "preview.parents" : qa.length > 0 ? "preview.pairs" : "preview.chunks", { count: data.total_segments })}
          />
          {parents ? <Figure value={format.number(children)} label={t("preview.children", { count: children })} /> : null}
          <Figure value={format.number(median(lengths))} label={t("preview.median")} />
          {short > 0 ? <Figure value={format.number(short)} label={t("preview.short")} warn /> : null}
        </dl>
        <Lengths lengths={lengths} />
      </div>
      {data.total_segments > shown ? <p className="hint pb-2">{t("preview.first", { count: shown })}</p> : null}
      <ol className="flex flex-col gap-2.5" aria-label={t("preview.title")}>
        {qa.map((pair, index) => (
          <li key={`${String(index)}${pair.question}`} className="kb-chunk">
            <Head name={t("preview.pair", { number: index + 1 })} length={pair.question.length + pair.answer.length} />
            <p className="font-medium kb-text">{pair.question}</p>
            <p className="kb-text text-ink-2">{pair.answer}</p>
          </li>
        ))}
        {qa.length > 0
          ? null
          : chunks.map((chunk, index) => {
              const common = parents ? 0 : shared(chunks[index - 1]?.content, chunk.content);
              const length = chunk.content.length;
              return (
                <li key={`${String(index)}${chunk.content.slice(0, 20)}`} className="kb-chunk" data-short={length < VERY_SHORT}>
                  <Head
                    name={t(parents ? "preview.parent" : "preview.chunk", { number: index + 1 })}
                    length={length}
                    childCount={parents ? (chunk.child_chunks?.length ?? 0) : undefined}
                    heading={chunk.heading}
                    page={chunk.page}
                  />
                  <p className={parents ? "kb-text kb-body" : "kb-text"}>
                    {common > 0 ? <span className="kb-shared">{chunk.content.slice(0, common)}</span> : null}
                    {chunk.content.slice(common)}
                  </p>
                  {chunk.summary ? (
                    <p className="kb-text text-ink-2">
                      <span className="font-medium">{t("summary.label")}</span> {chunk.summary}
                    </p>
                  ) : null}
                  {(parents ? (chunk.child_chunks ?? []) : []).map((child, at) => (
                    <div key={`${String(at)}${child.slice(0, 20)}`} className="kb-child">
                      <span className="text-ink-3 num">C{at + 1}</span>
                      <span className="kb-text">{child}</span>
                    </div>
                  ))}
                </li>
              );
            })}
      </ol>
    </>
  );
}

function Figure({ value, label, warn }: { value: string; label: string; warn?: boolean }) {
  return (
    <div>
      <dd className={`num${warn ? " text-warning" : ""}`}>{value}</dd>
      <dt>{label}</dt>
    </div>
  );
}

interface HeadProps {
  readonly name: string;
  readonly length: number;
  readonly childCount?: number | undefined;
  readonly heading?: string | null | undefined;
  readonly page?: number | null | undefined;
}

function Head({ name, length, childCount, heading, page }: HeadProps) {
  const { t } = useTranslation("knowledge");
  return (
    <div className="flex items-center gap-2 text-11 text-ink-3 mb-1 flex-wrap">
      <span className="font-semibold text-ink-2 num">{name}</span>
      {heading ? <span className="truncate">{heading}</span> : null}
      {length < VERY_SHORT ? <Badge tone="warn">{t("preview.veryShort")}</Badge> : null}
      <span className="ms-auto num">
        {t("preview.length", { count: length })}
        {childCount === undefined ? "" : `, ${t("preview.childCount", { count: childCount })}`}
        {page === null || page === undefined ? "" : `, ${t("chunks.page", { page: page + 1 })}`}
      </span>
    </div>
  );
}

function Lengths({ lengths }: { lengths: readonly number[] }) {
  const { t } = useTranslation("knowledge");
  const all = bars(lengths);
  const most = Math.max(1, ...all.map((bar) => bar.count));
  const longest = Math.max(...lengths);
  const text = t("preview.lengths", { min: Math.min(...lengths), max: longest });
  return (
    <figure className="ms-auto max-md:hidden" aria-label={text}>
      <div className="kb-bars" aria-hidden>
        {all.map((bar) => (
          <span key={bar.from} style={{ height: `${Math.max(4, (bar.count / most) * 100)}%` }} data-on={bar.count > 0} />
        ))}
      </div>
      <div className="flex justify-between text-10 text-ink-3 num" aria-hidden>
        <span>0</span>
        <span>{t("preview.length", { count: longest })}</span>
      </div>
    </figure>
  );
}
