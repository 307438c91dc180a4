/** The documents of a knowledge base, live. */
import { useQuery } from "@tanstack/react-query";
import {
  Archive,
  ArchiveRestore,
  ArrowDownWideNarrow,
  CircleAlert,
  Download,
  Ellipsis,
  FileText,
  History,
  ListFilter,
  type LucideIcon,
  Pause,
  Pencil,
  Play,
  Plus,
  Power,
  PowerOff,
  RefreshCw,
  RotateCw,
  Tags,
  TextQuote,
  Trash2,
  Workflow,
} from "lucide-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useFormat } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import { useNarrow } from "../../lib/media";
import { saveBlob } from "../../lib/save";
import { BarEnd } from "../../ui/BarEnd";
import { Button, IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Kbd } from "../../ui/Kbd";
import { Menu, type MenuEntry } from "../../ui/Menu";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { Checkbox, Switch } from "../../ui/Switch";
import { Tip } from "../../ui/Tip";
import {
  type DocumentAction,
  deleteDocuments,
  documentList,
  downloadDocument,
  downloadZip,
  errorDocuments,
  pauseDocument,
  retryDocuments,
  setDocuments,
  syncDocument,
  useKnowledgeChange,
} from "./api";
import { Filter } from "./DatasetsPage";
import { DocumentProgress } from "./DocumentProgress";
import { MetadataDialog } from "./MetadataDialog";
import { Pages } from "./Pages";
import { RenameDialog } from "./RenameDialog";
import { useKnowledgeRights } from "./rights";
import { StatusBadge } from "./StatusBadge";
import { canBeSummarised, SummariseDialog } from "./Summarise";
import { SORTS, type Sort } from "./sorts";
import { canDo, displayOf, FILTERS, isUnfinished } from "./status";
import type { Dataset, DisplayStatus, KnowledgeDocument } from "./types";

export interface DocumentsSearch {
  readonly q?: string | undefined;
  readonly status?: DisplayStatus | undefined;
  readonly sort?: Sort | undefined;
  readonly page?: number | undefined;
}

interface Props {
  readonly dataset: Dataset;
  readonly search: DocumentsSearch;
  readonly onSearch: (change: Partial<DocumentsSearch>) => void;
  readonly onOpen: (id: string) => void;
  readonly onAdd: () => void;
  readonly onTest: () => void;
  /** Of a knowledge base with a pipeline: to the pipeline, and to one document that is made anew. */
  readonly onPipeline?: () => void;
  readonly onAgain?: (id: string) => void;
}

type Doing =
  | { readonly what: "rename"; readonly doc: KnowledgeDocument }
  | { readonly what: "delete" | "metadata" | "summarise"; readonly docs: readonly KnowledgeDocument[] };

const WIDE = { gridTemplateColumns: "16px minmax(160px, 1fr) 104px 84px 64px 150px 26px 28px" };
const PHONE = { gridTemplateColumns: "16px minmax(0, 1fr) 44px" };

export function DocumentsPage({ dataset, search, onSearch, onOpen, onAdd, onTest, onPipeline, onAgain }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const edit = useKnowledgeRights();
  const phone = useNarrow();
  const box = useRef<HTMLInputElement>(null);
  const page = search.page ?? 1;
  const list = useQuery(documentList(dataset.id, { page, q: search.q, status: search.status, sort: search.sort }));
  const rows = list.data?.data ?? [];
  const total = list.data?.total ?? 0;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [active, setActive] = useState(-1);
  const [doing, setDoing] = useState<Doing>();
  const picked = rows.filter((doc) => chosen.has(doc.id));
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  const row = rows[active];
  useKeys(
    {
      "/": () => box.current?.focus(),
      j: () => setActive((now) => Math.min(rows.length - 1, now + 1)),
      k: () => setActive((now) => Math.max(0, now - 1)),
      Enter: () => (row ? onOpen(row.id) : undefined),
      x: () => (row && edit ? toggle(row.id) : undefined),
      c: () => (edit ? onAdd() : undefined),
      t: onTest,
      Escape: () => setChosen(new Set()),
    },
    !doing,
  );
  const act = useActions(dataset.id);
  const filtered = Boolean(search.q || search.status);
  const columns = phone ? PHONE : WIDE;
  const all = rows.length > 0 && rows.every((doc) => chosen.has(doc.id));
  return (
    <section className="flex-1 flex flex-col min-h-0 relative" aria-label={t("documents.title", { name: dataset.name })}>
      <BarEnd>
        {edit ? (
          <Button kind="primary" icon={Plus} keys="C" onClick={onAdd}>
            {t("documents.add")}
          </Button>
        ) : null}
      </BarEnd>
      {edit ? <Notices dataset={dataset} /> : null}
      {edit && dataset.runtime_mode === "rag_pipeline" && dataset.is_published === false ? (
        <div className="banner mx-5 max-md:mx-4 mt-3" data-tone="warn">
          <CircleAlert size={16} aria-hidden />
          <span className="flex-1">{t("documents.unpublished")}</span>
          {onPipeline ? (
            <Button size="sm" icon={Workflow} onClick={onPipeline}>
              {t("documents.openPipeline")}
            </Button>
          ) : null}
        </div>
      ) : null}
      <div className="flex items-center gap-2 px-5 max-md:px-4 pt-3 pb-2 flex-wrap">
        <Filter ref={box} wide label={t("documents.search")} value={search.q ?? ""} onChange={(q) => onSearch({ q: q || undefined, page: undefined })} />
        <Menu
          trigger={
            <Button icon={ListFilter} aria-pressed={search.status !== undefined}>
              {search.status ? t(`status.${search.status}`) : t("documents.anyStatus")}
            </Button>
          }
          entries={[
            { key: "all", label: t("documents.anyStatus"), checked: !search.status, onSelect: () => onSearch({ status: undefined, page: undefined }) },
            ...FILTERS.map((status) => ({
              key: status,
              label: t(`status.${status}`),
              checked: search.status === status,
              onSelect: () => onSearch({ status, page: undefined }),
            })),
          ]}
        />
        <Menu
          trigger={<Button icon={ArrowDownWideNarrow}>{t(`documents.sorts.${search.sort ?? "-created_at"}`)}</Button>}
          entries={SORTS.map((sort) => ({
            key: sort,
            label: t(`documents.sorts.${sort}`),
            checked: (search.sort ?? "-created_at") === sort,
            onSelect: () => onSearch({ sort: sort === "-created_at" ? undefined : sort, page: undefined }),
          }))}
        />
      </div>
      {list.isPending ? (
        <div className="px-5 flex-1">
          <SkeletonRows rows={10} height={44} slow={c("common.slow")} label={c("common.loading")} />
        </div>
      ) : list.error && !list.data ? (
        <div className="p-5 flex-1">
          <Failed
            title={t("documents.failed")}
            text={messageOf(list.error)}
            retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
            details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
          />
        </div>
      ) : rows.length === 0 ? (
        <div className="p-5 flex-1">
          {filtered ? (
            <Empty icon={ListFilter} title={t("documents.noMatch")}>
              <Button onClick={() => onSearch({ q: undefined, status: undefined, page: undefined })}>{c("common.clearFilter")}</Button>
            </Empty>
          ) : (
            <Empty icon={FileText} cat="knowledge" title={t("documents.emptyTitle")} text={t("documents.emptyText")}>
              {edit ? (
                <Button kind="primary" icon={Plus} onClick={onAdd}>
                  {t("documents.add")}
                </Button>
              ) : null}
            </Empty>
          )}
        </div>
      ) : (
        <div role="table" aria-label={t("documents.list")} aria-rowcount={total} className="flex flex-col flex-1 min-h-0">
          <div role="row" className="th px-5 max-md:px-4" style={columns}>
            <span role="columnheader" className="inline-flex">
              <Checkbox
                label={t("documents.chooseAll")}
                checked={all}
                disabled={!edit}
                onChange={(on) => setChosen(new Set(on ? rows.map((doc) => doc.id) : []))}
              />
            </span>
            <span role="columnheader">{t("documents.col.name")}</span>
            {phone ? null : (
              <>
                <span role="columnheader">{t("documents.col.status")}</span>
                <span role="columnheader" className="text-end">
                  {t("documents.col.characters")}
                </span>
                <span role="columnheader" className="text-end">
                  {t("documents.col.hits")}
                </span>
                <span role="columnheader" className="text-end">
                  {t("documents.col.added")}
                </span>
                <span role="columnheader" aria-label={t("documents.col.enabled")} />
              </>
            )}
            <span role="columnheader" aria-label={c("common.actions")} />
          </div>
          <div role="rowgroup" className="flex-1 min-h-0 overflow-auto pb-16">
            {rows.map((doc, index) => (
              <Row
                key={doc.id}
                dataset={dataset}
                doc={doc}
                phone={phone}
                edit={edit}
                active={index === active}
                chosen={chosen.has(doc.id)}
                onChoose={() => toggle(doc.id)}
                onOpen={() => onOpen(doc.id)}
                onDo={setDoing}
                act={act}
                {...(onAgain ? { onAgain: () => onAgain(doc.id) } : {})}
              />
            ))}
          </div>
        </div>
      )}
      <footer className="flex items-center gap-4 px-5 max-md:px-4 min-h-9 flex-none border-t border-line-1 text-12 text-ink-3">
        <span className="num" role="status">
          {list.data ? t("documents.count", { count: total }) : ""}
        </span>
        <Pages page={page} total={total} size={50} onPage={(next) => onSearch({ page: next === 1 ? undefined : next })} />
        <span className="ms-auto flex items-center gap-1.5 max-md:hidden">
          <Kbd keys="J" />
          <Kbd keys="K" /> {t("keys.move")}
        </span>
        <span className="flex items-center gap-1.5 max-md:hidden">
          <Kbd keys="X" /> {t("keys.choose")}
        </span>
        <span className="flex items-center gap-1.5 max-md:hidden">
          <Kbd keys="enter" /> {t("keys.open")}
        </span>
      </footer>
      {picked.length > 0 ? <Selection dataset={dataset} docs={picked} act={act} onDo={setDoing} onClear={() => setChosen(new Set())} /> : null}
      {doing?.what === "rename" ? <RenameDialog datasetId={dataset.id} doc={doing.doc} onClose={() => setDoing(undefined)} /> : null}
      {doing?.what === "metadata" ? <MetadataDialog datasetId={dataset.id} docs={doing.docs} onClose={() => setDoing(undefined)} /> : null}
      {doing?.what === "summarise" ? <SummariseDialog datasetId={dataset.id} docs={doing.docs} onClose={() => setDoing(undefined)} /> : null}
      {doing?.what === "delete" ? (
        <DeleteDocuments
          datasetId={dataset.id}
          docs={doing.docs}
          onClose={() => setDoing(undefined)}
          onDeleted={() => setChosen(new Set([...chosen].filter((id) => !doing.docs.some((doc) => doc.id === id))))}
        />
      ) : null}
    </section>
  );
}

export function DeleteDocuments({
  datasetId,
  docs,
  onClose,
  onDeleted,
}: {
  datasetId: string;
  docs: readonly { readonly id: string; readonly name: string }[];
  onClose: () => void;
  onDeleted: () => void;
}) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const drop = useKnowledgeChange((ids: readonly string[]) => deleteDocuments(datasetId, ids));
  return (
    <Confirm
      open
      title={t("documents.deleteTitle", { count: docs.length, name: docs[0]?.name ?? "" })}
      text={t("documents.deleteText")}
      confirm={c("common.delete")}
      cancel={c("common.keep")}
      busy={drop.isPending}
      onClose={onClose}
      onConfirm={() =>
        drop.mutate(
          docs.map((doc) => doc.id),
          {
            onSuccess: () => {
              toast(t("documents.deleted", { count: docs.length }));
              onDeleted();
            },
            onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
            onSettled: onClose,
          },
        )
      }
    />
  );
}

export interface Actions {
  readonly busy: boolean;
  readonly set: (action: DocumentAction, ids: readonly string[]) => void;
  readonly retry: (ids: readonly string[]) => void;
  readonly hold: (id: string, action: "pause" | "resume") => void;
  readonly download: (docs: readonly KnowledgeDocument[]) => void;
  readonly sync: (doc: KnowledgeDocument) => void;
}

/** What is done to documents at once; each failure is said. */
export function useActions(datasetId: string): Actions {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const onError = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const run = useKnowledgeChange((task: () => Promise<unknown>) => task());
  const go = (task: () => Promise<unknown>) => run.mutate(task, { onError });
  const save = async (docs: readonly KnowledgeDocument[]) => {
    const [only] = docs;
    if (docs.length === 1 && only) {
      const { url } = await downloadDocument(datasetId, only.id);
      const link = window.document.createElement("a");
      link.href = url;
      link.download = only.name;
      link.click();
      return;
    }
    saveBlob(
      `${t("documents.zip")}.zip`,
      await downloadZip(
        datasetId,
        docs.map((doc) => doc.id),
      ),
    );
  };
  return {
    busy: run.isPending,
    set: (action, ids) => go(() => setDocuments(datasetId, action, ids)),
    retry: (ids) => go(() => retryDocuments(datasetId, ids)),
    hold: (id, action) => go(() => pauseDocument(datasetId, id, action)),
    download: (docs) => void save(docs).catch(onError),
    sync: (doc) => go(() => syncDocument(datasetId, doc)),
  };
}

/** What can be done with one document now. */
export function useDocumentMenu(
  doc: KnowledgeDocument,
  act: Actions,
  on: {
    readonly rename: () => void;
    readonly metadata?: (() => void) | undefined;
    readonly summarise?: (() => void) | undefined;
    readonly again?: (() => void) | undefined;
    readonly remove: () => void;
  },
): MenuEntry[] {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const can = canDo(displayOf(doc));
  const entry = (show: boolean, key: string, icon: LucideIcon, onSelect: () => void): MenuEntry[] =>
    show ? [{ key, label: t(`documents.do.${key}`), icon, onSelect }] : [];
  return [
    ...entry(can.retry, "retry", RotateCw, () => act.retry([doc.id])),
    ...entry(can.pause, "pause", Pause, () => act.hold(doc.id, "pause")),
    ...entry(can.resume, "resume", Play, () => act.hold(doc.id, "resume")),
    ...entry(can.rename, "rename", Pencil, on.rename),
    ...(on.metadata ? entry(can.rename, "metadata", Tags, on.metadata) : []),
    ...(on.summarise ? entry(true, "summarise", TextQuote, on.summarise) : []),
    ...(on.again ? entry(!doc.archived && !isUnfinished(doc.indexing_status), "again", History, on.again) : []),
    ...entry(["website_crawl", "notion_import"].includes(doc.data_source_type) && !doc.archived && !isUnfinished(doc.indexing_status), "sync", RefreshCw, () =>
      act.sync(doc),
    ),
    ...entry(doc.data_source_type === "upload_file", "download", Download, () => act.download([doc])),
    ...entry(can.archive, "archive", Archive, () => act.set("archive", [doc.id])),
    ...entry(can.unarchive, "un_archive", ArchiveRestore, () => act.set("un_archive", [doc.id])),
    { key: "line", line: true },
    { key: "delete", label: c("common.delete"), icon: Trash2, tone: "bad", onSelect: on.remove },
  ];
}

interface RowProps {
  readonly dataset: Dataset;
  readonly doc: KnowledgeDocument;
  readonly phone: boolean;
  readonly edit: boolean;
  readonly active: boolean;
  readonly chosen: boolean;
  readonly act: Actions;
  readonly onChoose: () => void;
  readonly onOpen: () => void;
  readonly onDo: (doing: Doing) => void;
  readonly onAgain?: () => void;
}

function Row({ dataset, doc, phone, edit, active, chosen, act, onChoose, onOpen, onDo, onAgain }: RowProps) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const format = useFormat();
  const status = displayOf(doc);
  const can = canDo(status);
  const menu = useDocumentMenu(doc, act, {
    rename: () => onDo({ what: "rename", doc }),
    metadata: () => onDo({ what: "metadata", docs: [doc] }),
    summarise: canBeSummarised(dataset, doc) ? () => onDo({ what: "summarise", docs: [doc] }) : undefined,
    again: onAgain,
    remove: () => onDo({ what: "delete", docs: [doc] }),
  });
  const badge = <StatusBadge status={status} />;
  return (
    <div
      role="row"
      className="td px-5 max-md:px-4"
      style={{ ...(phone ? PHONE : WIDE), minHeight: phone ? 56 : 44 }}
      data-active={active}
      aria-selected={chosen}
    >
      <span role="cell" className="inline-flex">
        <Checkbox label={t("documents.choose", { name: doc.name })} checked={chosen} disabled={!edit} onChange={onChoose} />
      </span>
      <span role="cell" className="min-w-0 flex flex-col">
        <a
          href={`/datasets/${dataset.id}/documents/${doc.id}`}
          className="truncate font-medium hover:underline"
          onClick={(event) => {
            event.preventDefault();
            onOpen();
          }}
        >
          {doc.name}
        </a>
        {phone ? <span className="flex items-center gap-2 text-12 text-ink-3">{badge}</span> : null}
        <DocumentProgress doc={doc} edit={edit} busy={act.busy} onRetry={() => act.retry([doc.id])} onHold={(action) => act.hold(doc.id, action)} />
        {doc.summary_index_status ? <span className="text-12 text-ink-3 truncate">{t("summary.making")}</span> : null}
      </span>
      {phone ? null : (
        <>
          <span role="cell">{status === "error" && doc.error ? <Tip text={doc.error}>{<span>{badge}</span>}</Tip> : badge}</span>
          <span role="cell" className="num text-end text-ink-2">
            {doc.word_count === null ? "–" : format.number(doc.word_count)}
          </span>
          <span role="cell" className="num text-end text-ink-2">
            {format.number(doc.hit_count ?? 0)}
          </span>
          <span role="cell" className="num text-end text-ink-2">
            {format.dateTime(doc.created_at)}
          </span>
          <span role="cell" className="inline-flex">
            {can.enable || can.disable ? (
              <Switch
                label={t("documents.enabled", { name: doc.name })}
                checked={doc.enabled}
                disabled={!edit || act.busy}
                onChange={(on) => act.set(on ? "enable" : "disable", [doc.id])}
              />
            ) : null}
          </span>
        </>
      )}
      <span role="cell">
        {edit ? <Menu entries={menu} trigger={<IconButton size="sm" icon={Ellipsis} label={`${c("common.actions")}: ${doc.name}`} />} /> : null}
      </span>
    </div>
  );
}

/** The bar over the list while documents are chosen. */
function Selection({
  dataset,
  docs,
  act,
  onDo,
  onClear,
}: {
  dataset: Dataset;
  docs: readonly KnowledgeDocument[];
  act: Actions;
  onDo: (doing: Doing) => void;
  onClear: () => void;
}) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const idsOf = (test: (can: ReturnType<typeof canDo>) => boolean) => docs.filter((doc) => test(canDo(displayOf(doc)))).map((doc) => doc.id);
  const parts: readonly { readonly key: DocumentAction | "retry"; readonly icon: LucideIcon; readonly ids: readonly string[] }[] = [
    { key: "enable", icon: Power, ids: idsOf((can) => can.enable) },
    { key: "disable", icon: PowerOff, ids: idsOf((can) => can.disable) },
    { key: "archive", icon: Archive, ids: idsOf((can) => can.archive) },
    { key: "un_archive", icon: ArchiveRestore, ids: idsOf((can) => can.unarchive) },
    { key: "retry", icon: RotateCw, ids: idsOf((can) => can.retry) },
  ];
  const files = docs.filter((doc) => doc.data_source_type === "upload_file").slice(0, 100);
  const tellable = docs.filter((doc) => canBeSummarised(dataset, doc));
  return (
    <div className="kb-float" role="region" aria-label={t("documents.selected", { count: docs.length })}>
      <span className="num">{t("documents.selected", { count: docs.length })}</span>
      {parts.map(({ key, icon, ids }) =>
        ids.length > 0 ? (
          <Button key={key} size="sm" icon={icon} disabled={act.busy} onClick={() => (key === "retry" ? act.retry(ids) : act.set(key, ids))}>
            {t(`documents.do.${key}`)}
          </Button>
        ) : null,
      )}
      <Button size="sm" icon={Tags} onClick={() => onDo({ what: "metadata", docs })}>
        {t("documents.do.metadata")}
      </Button>
      {tellable.length > 0 ? (
        <Button size="sm" icon={TextQuote} onClick={() => onDo({ what: "summarise", docs: tellable })}>
          {t("documents.do.summarise")}
        </Button>
      ) : null}
      {files.length > 0 ? (
        <Button size="sm" icon={Download} onClick={() => act.download(files)}>
          {t("documents.do.download")}
        </Button>
      ) : null}
      <Button size="sm" kind="danger" icon={Trash2} onClick={() => onDo({ what: "delete", docs })}>
        {c("common.delete")}
      </Button>
      <Button size="sm" kind="quiet" onClick={onClear}>
        {t("documents.unselect")}
      </Button>
    </div>
  );
}

/** What needs a person: documents that failed. */
function Notices({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation("knowledge");
  const failed = useQuery(errorDocuments(dataset.id)).data;
  const act = useActions(dataset.id);
  return (
    <>
      {failed && failed.total > 0 ? (
        <div className="banner mx-5 max-md:mx-4 mt-3" data-tone="warn">
          <CircleAlert size={16} aria-hidden />
          <span className="flex-1">{t("documents.failedCount", { count: failed.total })}</span>
          <Button size="sm" icon={RotateCw} busy={act.busy} onClick={() => act.retry(failed.data.map((doc) => doc.id))}>
            {t("progress.retryAll")}
          </Button>
        </div>
      ) : null}
    </>
  );
}
