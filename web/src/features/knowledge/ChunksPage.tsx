/** The chunks of a document: read, searched, corrected, switched off; beside them its facts or a retrieval test. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Ellipsis, FileText, FileUp, Info, Pencil, Plus, Power, PowerOff, ScanSearch, Search, Trash2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useFormat } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import { useMedia } from "../../lib/media";
import { BarEnd } from "../../ui/BarEnd";
import { Button, IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Kbd } from "../../ui/Kbd";
import { Badge, Tile } from "../../ui/Marks";
import { Menu, type MenuEntry } from "../../ui/Menu";
import { Segmented } from "../../ui/Segmented";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { Checkbox, Switch } from "../../ui/Switch";
import { deleteSegments, documentDetail, documentStatus, SEGMENTS_AT_ONCE, segmentList, setSegments, useKnowledgeChange } from "./api";
import { ChunkDialog } from "./ChunkDialog";
import { Filter } from "./DatasetsPage";
import { DocumentFacts } from "./DocumentFacts";
import { DeleteDocuments, useActions, useDocumentMenu } from "./DocumentsPage";
import { ImportChunks } from "./ImportChunks";
import { MetadataDialog } from "./MetadataDialog";
import { Pages } from "./Pages";
import { Pictures, withoutPictures } from "./Pictures";
import { RenameDialog } from "./RenameDialog";
import { RetrievalPane } from "./RetrievalPane";
import { useKnowledgeRights } from "./rights";
import { StatusBadge } from "./StatusBadge";
import { canBeSummarised, SummariseDialog } from "./Summarise";
import { canDo, displayOf, isUnfinished, progressOf } from "./status";
import { canSummarise, isBeingSummarised } from "./summary";
import type { Dataset, DocumentDetail, Segment } from "./types";

export interface ChunksSearch {
  readonly q?: string | undefined;
  readonly enabled?: "true" | "false" | undefined;
  readonly page?: number | undefined;
  /** The chunk that is open, and what stands beside the list. */
  readonly chunk?: string | undefined;
  readonly side?: "facts" | "test" | undefined;
}

interface Props {
  readonly dataset: Dataset;
  readonly documentId: string;
  readonly search: ChunksSearch;
  readonly onSearch: (change: Partial<ChunksSearch>) => void;
  readonly onBack: () => void;
  /** Opens a chunk that was found, maybe of another document. */
  readonly onChunk: (documentId: string, chunkId: string) => void;
  /** Of a document that a pipeline made: it is made anew. */
  readonly onAgain?: (() => void) | undefined;
}

type Doing =
  | { readonly what: "add" | "import" | "rename" | "metadata" | "remove" | "summarise" }
  | { readonly what: "edit"; readonly segment: Segment }
  | { readonly what: "delete"; readonly ids: readonly string[] };

export function ChunksPage({ dataset, documentId, search, onSearch, onBack, onChunk, onAgain }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const detail = useQuery(documentDetail(dataset.id, documentId));
  if (detail.isPending)
    return (
      <div className="p-5">
        <SkeletonRows rows={8} height={72} slow={c("common.slow")} label={c("common.loading")} />
      </div>
    );
  if (detail.error && !detail.data)
    return (
      <div className="p-5">
        <Failed
          title={t("chunks.noDocument")}
          text={messageOf(detail.error)}
          retry={{ label: c("common.retry"), onClick: () => void detail.refetch() }}
          details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(detail.error) }}
        />
      </div>
    );
  return (
    <Loaded key={documentId} dataset={dataset} doc={detail.data} search={search} onSearch={onSearch} onBack={onBack} onChunk={onChunk} onAgain={onAgain} />
  );
}

function Loaded({ dataset, doc, search, onSearch, onBack, onChunk, onAgain }: Omit<Props, "documentId"> & { readonly doc: DocumentDetail }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const edit = useKnowledgeRights() && !doc.archived;
  const roomy = useMedia("(min-width: 1024px)");
  const box = useRef<HTMLInputElement>(null);
  const page = search.page ?? 1;
  const moving = isUnfinished(doc.indexing_status);
  const list = useQuery({ ...segmentList(dataset.id, doc.id, { page, q: search.q, enabled: search.enabled }, moving), placeholderData: keepPreviousData });
  const rows = list.data?.data ?? [];
  const total = list.data?.total ?? 0;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [active, setActive] = useState(-1);
  const [doing, setDoing] = useState<Doing>();
  const [found, setFound] = useState<ReadonlySet<string>>(new Set());
  const [expanded, setExpanded] = useState(false);
  const picked = rows.filter((segment) => chosen.has(segment.id));
  const fail = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const turn = useKnowledgeChange(({ ids, on }: { ids: readonly string[]; on: boolean }) => setSegments(dataset.id, doc.id, on ? "enable" : "disable", ids));
  const drop = useKnowledgeChange((ids: readonly string[]) => deleteSegments(dataset.id, doc.id, ids));
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  const side = search.side ?? (roomy ? "facts" : undefined);
  const beside = search.side === undefined && !roomy ? undefined : side;
  const row = rows[active];
  const switchTest = () => onSearch({ side: search.side === "test" ? undefined : "test" });
  useKeys(
    {
      "/": () => box.current?.focus(),
      j: () => setActive((now) => Math.min(rows.length - 1, now + 1)),
      k: () => setActive((now) => Math.max(0, now - 1)),
      x: () => (row && edit ? toggle(row.id) : undefined),
      Enter: () => (row ? setDoing({ what: "edit", segment: row }) : undefined),
      c: () => (edit && !moving ? setDoing({ what: "add" }) : undefined),
      t: switchTest,
      Escape: () => setChosen(new Set()),
    },
    !doing,
  );
  const filtered = Boolean(search.q || search.enabled);
  const summarised = canSummarise(dataset.indexing_technique, doc.doc_form);
  return (
    <section className="flex-1 flex min-h-0" aria-label={t("chunks.title", { name: doc.name })}>
      <BarEnd>
        <Button icon={ScanSearch} keys="T" aria-pressed={search.side === "test"} onClick={switchTest}>
          {t("chunks.test")}
        </Button>
      </BarEnd>
      <div className={`flex-1 min-w-0 flex flex-col min-h-0 relative${beside && !roomy ? " hidden" : ""}`}>
        <Head
          dataset={dataset}
          doc={doc}
          edit={edit}
          onBack={onBack}
          onAgain={onAgain}
          onDo={setDoing}
          onFacts={roomy ? undefined : () => onSearch({ side: "facts" })}
        />
        {moving || doc.display_status === "paused" ? <Progress dataset={dataset} doc={doc} /> : null}
        {doc.indexing_status === "error" ? (
          <div className="banner mx-5 max-md:mx-4 mb-2" data-tone="bad" role="alert">
            <span className="flex-1 wrap-anywhere">{doc.error || t("progress.noCause")}</span>
          </div>
        ) : null}
        {doc.archived ? <div className="banner mx-5 max-md:mx-4 mb-2">{t("chunks.archived")}</div> : null}
        <div className="flex items-center gap-2 px-5 max-md:px-4 pb-2.5 border-b border-line-1 flex-wrap">
          <Checkbox
            label={t("chunks.chooseAll")}
            checked={rows.length > 0 && rows.every((segment) => chosen.has(segment.id))}
            disabled={!edit}
            onChange={(on) => setChosen(new Set(on ? rows.map((segment) => segment.id) : []))}
          />
          <Filter ref={box} wide label={t("chunks.search")} value={search.q ?? ""} onChange={(q) => onSearch({ q: q || undefined, page: undefined })} />
          <Segmented
            label={t("chunks.which")}
            value={search.enabled ?? "all"}
            onChange={(value) => onSearch({ enabled: value === "all" ? undefined : value, page: undefined })}
            segments={[
              { value: "all" as const, label: t("chunks.all"), count: filtered || !list.data ? undefined : String(total) },
              { value: "true" as const, label: t("chunks.on") },
              { value: "false" as const, label: t("chunks.off") },
            ]}
          />
          <Button kind="quiet" aria-pressed={expanded} onClick={() => setExpanded(!expanded)}>
            {t(expanded ? "chunks.shorter" : "chunks.longer")}
          </Button>
          {edit ? (
            <>
              <Button icon={Plus} keys="C" disabled={moving} onClick={() => setDoing({ what: "add" })}>
                {t("chunks.add")}
              </Button>
              {doc.doc_form === "hierarchical_model" ? null : (
                <IconButton kind="default" icon={FileUp} label={t("chunks.import")} disabled={moving} onClick={() => setDoing({ what: "import" })} />
              )}
            </>
          ) : null}
        </div>
        {list.isPending ? (
          <div className="px-5">
            <SkeletonRows rows={8} height={72} slow={c("common.slow")} label={c("common.loading")} />
          </div>
        ) : list.error && !list.data ? (
          <div className="p-5">
            <Failed
              title={t("chunks.failed")}
              text={messageOf(list.error)}
              retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
              details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
            />
          </div>
        ) : rows.length === 0 ? (
          <div className="p-5">
            {filtered ? (
              <Empty icon={Search} title={search.q ? t("chunks.noMatch", { words: search.q }) : t("chunks.noneSuch")}>
                <Button onClick={() => onSearch({ q: undefined, enabled: undefined, page: undefined })}>{c("common.clearFilter")}</Button>
              </Empty>
            ) : (
              <Empty
                icon={FileText}
                cat="knowledge"
                title={t(moving ? "chunks.notYet" : "chunks.emptyTitle")}
                text={moving ? t("chunks.notYetText") : t("chunks.emptyText")}
              />
            )}
          </div>
        ) : (
          <div className="flex-1 min-h-0 overflow-auto pb-16" role="list" aria-label={t("chunks.list")}>
            {rows.map((segment, index) => (
              <Chunk
                key={segment.id}
                segment={segment}
                form={doc.doc_form}
                edit={edit}
                active={index === active}
                open={search.chunk === segment.id}
                found={found.has(segment.id)}
                full={expanded}
                chosen={chosen.has(segment.id)}
                onChoose={() => toggle(segment.id)}
                onOpen={() => setDoing({ what: "edit", segment })}
                onTurn={(on) => turn.mutate({ ids: [segment.id], on }, { onError: fail })}
                onDelete={() => setDoing({ what: "delete", ids: [segment.id] })}
              />
            ))}
          </div>
        )}
        <footer className="flex items-center gap-4 px-5 max-md:px-4 min-h-9 flex-none border-t border-line-1 text-12 text-ink-3 mt-auto">
          <span className="num" role="status">
            {list.data ? t("chunks.count", { count: total }) : ""}
          </span>
          <Pages page={page} total={total} size={SEGMENTS_AT_ONCE} onPage={(next) => onSearch({ page: next === 1 ? undefined : next })} />
          <span className="ms-auto flex items-center gap-1.5 max-md:hidden">
            <Kbd keys="J" />
            <Kbd keys="K" /> {t("keys.move")}
          </span>
          <span className="flex items-center gap-1.5 max-md:hidden">
            <Kbd keys="X" /> {t("keys.choose")}
          </span>
        </footer>
        {picked.length > 0 ? (
          <div className="kb-float" role="region" aria-label={t("chunks.selected", { count: picked.length })}>
            <span className="num">{t("chunks.selected", { count: picked.length })}</span>
            {picked.some((segment) => !segment.enabled) ? (
              <Button
                size="sm"
                icon={Power}
                busy={turn.isPending}
                onClick={() => turn.mutate({ ids: picked.filter((one) => !one.enabled).map((one) => one.id), on: true }, { onError: fail })}
              >
                {t("chunks.turnOn")}
              </Button>
            ) : null}
            {picked.some((segment) => segment.enabled) ? (
              <Button
                size="sm"
                icon={PowerOff}
                busy={turn.isPending}
                onClick={() => turn.mutate({ ids: picked.filter((one) => one.enabled).map((one) => one.id), on: false }, { onError: fail })}
              >
                {t("chunks.turnOff")}
              </Button>
            ) : null}
            <Button size="sm" kind="danger" icon={Trash2} onClick={() => setDoing({ what: "delete", ids: picked.map((segment) => segment.id) })}>
              {c("common.delete")}
            </Button>
            <Button size="sm" kind="quiet" onClick={() => setChosen(new Set())}>
              {t("documents.unselect")}
            </Button>
          </div>
        ) : null}
      </div>
      {beside === "facts" ? (
        <DocumentFacts doc={doc} alone={!roomy} edit={edit} onMetadata={() => setDoing({ what: "metadata" })} onClose={() => onSearch({ side: undefined })} />
      ) : null}
      {beside === "test" ? (
        <RetrievalPane
          dataset={dataset}
          alone={!roomy}
          onFound={setFound}
          onClose={() => onSearch({ side: undefined })}
          onOpen={(record) => onChunk(record.segment.document.id, record.segment.id)}
        />
      ) : null}
      {doing?.what === "add" ? (
        <ChunkDialog datasetId={dataset.id} doc={doc} segment={undefined} edit={edit} summarised={summarised} onClose={() => setDoing(undefined)} />
      ) : null}
      {doing?.what === "edit" ? (
        <ChunkDialog datasetId={dataset.id} doc={doc} segment={doing.segment} edit={edit} summarised={summarised} onClose={() => setDoing(undefined)} />
      ) : null}
      {doing?.what === "import" ? <ImportChunks datasetId={dataset.id} doc={doc} onClose={() => setDoing(undefined)} /> : null}
      {doing?.what === "rename" ? <RenameDialog datasetId={dataset.id} doc={doc} onClose={() => setDoing(undefined)} /> : null}
      {doing?.what === "metadata" ? <MetadataDialog datasetId={dataset.id} docs={[doc]} onClose={() => setDoing(undefined)} /> : null}
      {doing?.what === "summarise" ? <SummariseDialog datasetId={dataset.id} docs={[doc]} onClose={() => setDoing(undefined)} /> : null}
      {doing?.what === "remove" ? <DeleteDocuments datasetId={dataset.id} docs={[doc]} onClose={() => setDoing(undefined)} onDeleted={onBack} /> : null}
      <Confirm
        open={doing?.what === "delete"}
        title={t("chunks.deleteTitle", { count: doing?.what === "delete" ? doing.ids.length : 0 })}
        text={t("chunks.deleteText")}
        confirm={c("common.delete")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setDoing(undefined)}
        onConfirm={() => {
          if (doing?.what !== "delete") return;
          const { ids } = doing;
          drop.mutate(ids, {
            onSuccess: () => setChosen(new Set([...chosen].filter((id) => !ids.includes(id)))),
            onError: fail,
            onSettled: () => setDoing(undefined),
          });
        }}
      />
    </section>
  );
}

interface HeadProps {
  readonly dataset: Dataset;
  readonly doc: DocumentDetail;
  readonly edit: boolean;
  readonly onBack: () => void;
  readonly onAgain: (() => void) | undefined;
  readonly onDo: (doing: Doing) => void;
  readonly onFacts: (() => void) | undefined;
}

function Head({ dataset, doc, edit, onBack, onAgain, onDo, onFacts }: HeadProps) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const format = useFormat();
  const rights = useKnowledgeRights();
  const act = useActions(dataset.id);
  const status = displayOf(doc);
  const can = canDo(status);
  const facts = [
    doc.segment_count ? t("chunks.count", { count: doc.segment_count }) : undefined,
    doc.word_count ? t("units.count", { count: doc.word_count }) : undefined,
    doc.tokens ? t("units.tokenCount", { count: doc.tokens }) : undefined,
    format.ago(doc.created_at),
  ].filter(Boolean);
  const menu: MenuEntry[] = useDocumentMenu(doc, act, {
    rename: () => onDo({ what: "rename" }),
    metadata: () => onDo({ what: "metadata" }),
    summarise: canBeSummarised(dataset, doc) ? () => onDo({ what: "summarise" }) : undefined,
    again: onAgain,
    remove: () => onDo({ what: "remove" }),
  });
  return (
    <header className="flex items-center gap-3 px-5 max-md:px-4 pt-3.5 pb-2.5 flex-wrap">
      <Tile cat="knowledge" size="lg">
        <FileText size={16} strokeWidth={1.75} aria-hidden />
      </Tile>
      <div className="flex-1 min-w-[160px]">
        <h1 className="font-semibold text-14 truncate" title={doc.name}>
          {doc.name}
        </h1>
        <div className="text-12 text-ink-3 num truncate">{facts.join(", ")}</div>
      </div>
      <StatusBadge status={status} />
      {can.enable || can.disable ? (
        <Switch
          label={t("documents.enabled", { name: doc.name })}
          checked={doc.enabled}
          disabled={!edit || act.busy}
          onChange={(on) => act.set(on ? "enable" : "disable", [doc.id])}
        />
      ) : null}
      {onFacts ? <IconButton kind="default" icon={Info} label={t("facts.title")} onClick={onFacts} /> : null}
      {rights ? <Menu entries={menu} trigger={<IconButton kind="default" icon={Ellipsis} label={c("common.actions")} />} /> : null}
      <Button kind="quiet" onClick={onBack}>
        {t("chunks.back")}
      </Button>
    </header>
  );
}

/** How far the document is while it is worked on. */
function Progress({ dataset, doc }: { dataset: Dataset; doc: DocumentDetail }) {
  const { t } = useTranslation("knowledge");
  const now = useQuery(documentStatus(dataset.id, doc.id)).data;
  const status = now?.indexing_status ?? doc.indexing_status;
  const part = progressOf({ ...now, indexing_status: status });
  return (
    <div className="px-5 max-md:px-4 pb-2.5">
      <div className="flex text-12 text-ink-2 num" role="status">
        {t(`stages.${status}`, { defaultValue: "" })}
        <span className="ms-auto">{now?.total_segments ? t("progress.chunks", { done: now.completed_segments ?? 0, count: now.total_segments }) : ""}</span>
      </div>
      <div className="kb-meter mt-1" role="progressbar" aria-label={doc.name} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(part * 100)}>
        <span style={{ width: `${Math.max(4, part * 100)}%` }} />
      </div>
    </div>
  );
}

interface ChunkProps {
  readonly segment: Segment;
  readonly form: DocumentDetail["doc_form"];
  readonly edit: boolean;
  readonly active: boolean;
  readonly open: boolean;
  readonly found: boolean;
  readonly full: boolean;
  readonly chosen: boolean;
  readonly onChoose: () => void;
  readonly onOpen: () => void;
  readonly onTurn: (on: boolean) => void;
  readonly onDelete: () => void;
}

function Chunk({ segment, form, edit, active, open, found, full, chosen, onChoose, onOpen, onTurn, onDelete }: ChunkProps) {
  const { t } = useTranslation("knowledge");
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    if (open || active) element.current?.scrollIntoView({ block: "nearest" });
  }, [open, active]);
  const name = t("chunks.number", { number: segment.position });
  const edited = segment.child_chunks?.some((child) => child.type === "customized") || Boolean(segment.updated_by);
  const settled = segment.status === "completed" || segment.status === "error";
  return (
    <article
      ref={element}
      className="kb-row"
      role="listitem"
      aria-label={name}
      data-active={active || open}
      data-found={found}
      data-off={!segment.enabled}
      aria-current={open || undefined}
    >
      <div className="flex items-center gap-2 text-11 text-ink-3">
        <Checkbox label={t("documents.choose", { name })} checked={chosen} disabled={!edit} onChange={onChoose} />
        <span className="font-semibold text-ink-2 num">#{segment.position}</span>
        {segment.heading ? <span className="truncate kb-heading">{segment.heading}</span> : null}
        {edited ? <Badge icon={Pencil}>{t("chunks.edited")}</Badge> : null}
        {segment.status === "error" ? <Badge tone="bad">{t("status.error")}</Badge> : settled ? null : <Badge tone="run">{t("status.indexing")}</Badge>}
        {isBeingSummarised(segment) ? <Badge tone="run">{t("summary.making")}</Badge> : null}
        <span className="ms-auto num flex-none kb-meta">
          {segment.page === undefined || segment.page === null ? "" : `${t("chunks.page", { page: segment.page + 1 })}, `}
          {segment.tokens > 0 ? t("units.tok", { count: segment.tokens }) : t("units.chars", { count: segment.word_count })},{" "}
          {t("chunks.hits", { count: segment.hit_count })}
        </span>
        <IconButton size="sm" icon={edit ? Pencil : Info} label={t(edit ? "chunks.editThis" : "chunks.openThis", { name })} onClick={onOpen} />
        {edit ? <IconButton size="sm" icon={Trash2} label={t("chunks.deleteThis", { name })} onClick={onDelete} /> : null}
        {segment.status === "completed" ? <Switch label={t("chunks.enabled", { name })} checked={segment.enabled} disabled={!edit} onChange={onTurn} /> : null}
      </div>
      {form === "qa_model" ? (
        <div className="kb-qa" data-full={full}>
          <span className="text-ink-3">Q</span>
          <span className="kb-text font-medium">{segment.content}</span>
          <span className="text-ink-3">A</span>
          <span className="kb-text">{segment.answer}</span>
        </div>
      ) : (
        <p className="kb-text kb-body" data-full={full}>
          {withoutPictures(segment.content, segment.attachments)}
        </p>
      )}
      <Pictures files={segment.attachments} />
      {segment.summary ? (
        <p className={`text-12 text-ink-2 kb-text${full ? "" : " line-clamp-2"}`}>
          <span className="font-medium">{t("summary.label")}</span> {segment.summary}
        </p>
      ) : null}
      {segment.summary_error ? <p className="text-12 text-danger wrap-anywhere">{t("summary.failed", { text: segment.summary_error })}</p> : null}
      {segment.error ? <p className="text-12 text-danger wrap-anywhere">{segment.error}</p> : null}
      {(full ? (segment.child_chunks ?? []) : (segment.child_chunks ?? []).slice(0, 3)).map((child, index) => (
        <div key={child.id} className="kb-child">
          <span className="text-ink-3 num">C{index + 1}</span>
          <span className={full ? "kb-text" : "truncate"}>{child.content}</span>
        </div>
      ))}
      {!full && (segment.child_chunks?.length ?? 0) > 3 ? (
        <button type="button" className="link text-12 self-start" onClick={onOpen}>
          {t("chunks.moreChildren", { count: (segment.child_chunks?.length ?? 0) - 3 })}
        </button>
      ) : null}
      {segment.keywords && segment.keywords.length > 0 ? (
        <div className="flex gap-1 flex-wrap">
          {segment.keywords.slice(0, 10).map((word) => (
            <span key={word} className="badge mono">
              {word}
            </span>
          ))}
        </div>
      ) : null}
    </article>
  );
}
