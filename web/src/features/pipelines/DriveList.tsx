/** Folders of a drive, to walk through, and their files, to tick. What is ticked stays while other folders are opened. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { ChevronRight, Database, FileText, Folder, FolderOpen } from "lucide-react";
import { Fragment, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { DriveEntry, Workflow } from "../../data/pipelines";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { Checkbox } from "../../ui/Switch";
import { browse, type Drive, type Place, START, TOP } from "./drive";
import { driveItem, type Item, type SourceNode, toggled } from "./sources";

interface Props {
  readonly pipelineId: string;
  readonly which: Workflow;
  readonly source: SourceNode;
  readonly credential: string;
  /** Only one is taken: for a test. */
  readonly one: boolean;
  readonly value: readonly Item[];
  readonly onChange: (items: readonly Item[]) => void;
}

interface FileRow {
  readonly file: DriveEntry;
  readonly item: Item;
}

export function DriveList({ pipelineId, which, source, credential, one, value, onChange }: Props) {
  const { t } = useTranslation("pipelines");
  const { t: c } = useTranslation();
  const [path, setPath] = useState<readonly Place[]>([]);
  const at = path.at(-1) ?? TOP;
  const drive: Drive = { pipelineId, which, node: source.id, credential };
  const look = useInfiniteQuery({
    queryKey: ["pipelines", "drive", pipelineId, which, source.id, credential, at.bucket, at.prefix],
    queryFn: ({ pageParam, signal }) => browse(drive, at, pageParam, t("source.cut"), signal),
    initialPageParam: START,
    getNextPageParam: (last) => last.next,
    staleTime: 30_000,
    retry: false,
  });
  const open = (place: Place) => setPath((now) => [...now, place]);
  const parts = look.data?.pages ?? [];
  const buckets = parts.flatMap((part) => part.buckets);
  const entries = parts.flatMap((part) => part.entries.map((entry) => ({ bucket: part.bucket, entry })));
  const folders = entries.filter(({ entry }) => entry.type === "folder");
  const files = entries.filter(({ entry }) => entry.type === "file").map(({ bucket, entry }) => ({ file: entry, item: driveItem(bucket, entry, credential) }));
  const failed = look.error ? (
    <Failed
      title={t("source.failed")}
      text={messageOf(look.error)}
      retry={{ label: c("common.retry"), onClick: () => void (parts.length > 0 ? look.fetchNextPage() : look.refetch()) }}
    />
  ) : null;
  return (
    <section className="flex flex-col gap-3" aria-label={t("drive.files")}>
      <Crumbs top={source.title} path={path} onGo={(depth) => setPath((now) => now.slice(0, depth))} />
      {look.isPending ? <SkeletonRows rows={5} height={40} slow={c("common.slow")} label={c("common.loading")} /> : null}
      {parts.length > 0 && buckets.length + entries.length === 0 && !look.hasNextPage ? (
        <Empty icon={FolderOpen} cat="knowledge" title={t("drive.empty")} text={t("drive.emptyText")} />
      ) : null}
      {buckets.length + entries.length > 0 ? (
        <div className="card">
          <Head rows={files} one={one} value={value} onChange={onChange} />
          <ul className="max-h-[420px] overflow-auto">
            {buckets.map((name) => (
              <FolderRow key={name} name={name} bucket onOpen={() => open({ bucket: name, prefix: "", name })} />
            ))}
            {folders.map(({ bucket, entry }) => (
              <FolderRow key={entry.id} name={entry.name} onOpen={() => open({ bucket, prefix: entry.id, name: entry.name })} />
            ))}
            {files.map((row) => (
              <FileLine
                key={row.item.id}
                row={row}
                checked={value.some((each) => each.id === row.item.id)}
                onToggle={() => onChange(toggled(value, row.item, one))}
              />
            ))}
          </ul>
        </div>
      ) : null}
      {failed}
      {look.hasNextPage && !look.error ? (
        <Button className="self-start" busy={look.isFetchingNextPage} onClick={() => void look.fetchNextPage()}>
          {t("drive.more")}
        </Button>
      ) : null}
    </section>
  );
}

interface CrumbsProps {
  readonly top: string;
  readonly path: readonly Place[];
  readonly onGo: (depth: number) => void;
}

function Crumbs({ top, path, onGo }: CrumbsProps) {
  const { t } = useTranslation("pipelines");
  const names = [top, ...path.map((place) => place.name)];
  const depth = path.length;
  const here = useRef<HTMLSpanElement>(null);
  const before = useRef(depth);
  // What was clicked is gone with the folder that it stood in.
  useEffect(() => {
    if (before.current !== depth) here.current?.focus();
    before.current = depth;
  }, [depth]);
  return (
    <nav aria-label={t("drive.path")} className="flex items-center gap-0.5 flex-wrap min-w-0">
      {names.map((name, step) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a step is what stands at this depth
        <Fragment key={step}>
          {step > 0 ? <ChevronRight size={14} strokeWidth={1.9} className="text-ink-3 shrink-0" aria-hidden /> : null}
          {step === depth ? (
            <span ref={here} tabIndex={-1} className="px-2 font-medium truncate" aria-current="location">
              {name}
            </span>
          ) : (
            <Button kind="quiet" size="sm" onClick={() => onGo(step)}>
              {name}
            </Button>
          )}
        </Fragment>
      ))}
    </nav>
  );
}

interface HeadProps {
  readonly rows: readonly FileRow[];
  readonly one: boolean;
  readonly value: readonly Item[];
  readonly onChange: (items: readonly Item[]) => void;
}

/** All files that are shown, at once; those of other folders stay as they are. */
function Head({ rows, one, value, onChange }: HeadProps) {
  const { t } = useTranslation("pipelines");
  const shown = new Set(rows.map(({ item }) => item.id));
  const others = value.filter((each) => !shown.has(each.id));
  const all = rows.length > 0 && value.length - others.length === rows.length;
  if (rows.length === 0 && value.length === 0) return null;
  return (
    <div className="flex items-center gap-2.5 px-3 py-2 border-b border-line-1">
      {one || rows.length === 0 ? null : (
        <Checkbox label={t("drive.all")} checked={all} onChange={() => onChange(all ? others : [...others, ...rows.map(({ item }) => item)])} />
      )}
      <span className="text-12 text-ink-2 num" role="status">
        {t("drive.chosen", { chosen: value.length })}
      </span>
    </div>
  );
}

function FolderRow({ name, bucket = false, onOpen }: { readonly name: string; readonly bucket?: boolean; readonly onOpen: () => void }) {
  const Icon = bucket ? Database : Folder;
  return (
    <li className="border-b border-line-1 last:border-b-0">
      <button type="button" className="flex items-center gap-2.5 w-full min-h-10 px-3 py-2 text-start hover:bg-surface-2" onClick={onOpen}>
        <Icon size={16} strokeWidth={1.75} className="text-ink-3 shrink-0" aria-hidden />
        <span className="flex-1 min-w-0 truncate font-medium">{name}</span>
        <ChevronRight size={14} strokeWidth={1.9} className="text-ink-3 shrink-0" aria-hidden />
      </button>
    </li>
  );
}

function FileLine({ row, checked, onToggle }: { readonly row: FileRow; readonly checked: boolean; readonly onToggle: () => void }) {
  const { t: k } = useTranslation("knowledge");
  const format = useFormat();
  return (
    <li className="flex items-center gap-2.5 min-h-10 px-3 py-2 border-b border-line-1 last:border-b-0">
      <Checkbox label={k("documents.choose", { name: row.file.name })} checked={checked} onChange={onToggle} />
      <FileText size={16} strokeWidth={1.75} className="text-ink-3 shrink-0" aria-hidden />
      <span className="flex-1 min-w-0 truncate font-medium">{row.file.name}</span>
      <span className="text-12 text-ink-3 num">{format.bytes(row.file.size)}</span>
    </li>
  );
}
