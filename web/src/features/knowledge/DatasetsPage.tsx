/** The knowledge bases of the workspace. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { LibraryBig, ListFilter, Plug, Plus, Tag as TagIcon, Workflow } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { exportPipeline } from "../../data/pipelines";
import { useRights } from "../../data/session";
import { errorDetails, messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import { saveFile } from "../../lib/save";
import { Button } from "../../ui/Button";
import { Input } from "../../ui/Input";
import { Kbd } from "../../ui/Kbd";
import { Menu } from "../../ui/Menu";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { TagsDialog } from "../apps/TagsDialog";
import { datasetList, datasetTags } from "./api";
import { DatasetCard } from "./DatasetCard";
import { DeleteDialog } from "./DeleteDialog";
import { ExternalDialog } from "./ExternalDialog";
import { StoreNotice } from "./IndexNotice";
import { useKnowledgeRights } from "./rights";
import "./knowledge.css";
import type { Dataset } from "./types";

export interface DatasetsSearch {
  readonly q?: string | undefined;
  readonly tags?: string | undefined;
  readonly all?: boolean | undefined;
}

interface Props {
  readonly search: DatasetsSearch;
  readonly onSearch: (change: Partial<DatasetsSearch>) => void;
  readonly onOpen: (id: string) => void;
  readonly onSettings: (id: string) => void;
  readonly onCreate: () => void;
  readonly onFromPipeline: () => void;
  /** Opens the pipeline of a knowledge base that has one. */
  readonly onPipeline: (id: string) => void;
}

type Doing = { readonly what: "tags" | "delete"; readonly dataset: Dataset };

export function DatasetsPage({ search, onSearch, onOpen, onSettings, onCreate, onFromPipeline, onPipeline }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const edit = useKnowledgeRights();
  const { owner, edit: build } = useRights();
  const box = useRef<HTMLInputElement>(null);
  const chosenTags = search.tags?.split(",").filter(Boolean) ?? [];
  const list = useInfiniteQuery(datasetList({ q: search.q, tags: chosenTags, all: search.all }));
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.data) ?? [], [list.data]);
  const total = list.data?.pages[0]?.total ?? 0;
  const filtered = Boolean(search.q || search.tags);
  const [active, setActive] = useState(-1);
  const [doing, setDoing] = useState<Doing>();
  const [connecting, setConnecting] = useState(false);
  const current = rows[active];
  useKeys(
    {
      c: () => (edit ? onCreate() : undefined),
      "/": () => box.current?.focus(),
      j: () => setActive((now) => Math.min(rows.length - 1, now + 1)),
      k: () => setActive((now) => Math.max(0, now - 1)),
      Enter: () => (current ? onOpen(current.id) : undefined),
    },
    !doing && !connecting,
  );
  const exported = (dataset: Dataset) =>
    exportPipeline(dataset.pipeline_id ?? "").then(
      ({ data }) => saveFile(`${dataset.name}.pipeline`, data, "application/yaml"),
      (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) })),
    );
  const create = (
    <Button kind="primary" icon={Plus} keys="C" onClick={onCreate}>
      {t("list.new")}
    </Button>
  );
  return (
    <section className="flex flex-col flex-1 min-h-0" aria-label={t("list.title")}>
      <div className="flex-1 min-h-0 overflow-auto">
        <header className="flex items-center gap-2.5 px-7 max-md:px-4 pt-5 pb-3.5 flex-wrap">
          <h1 className="text-20 font-semibold flex-1">{t("list.title")}</h1>
          {build ? (
            <Button icon={Workflow} onClick={onFromPipeline}>
              {t("list.fromPipeline")}
            </Button>
          ) : null}
          {edit ? (
            <Button icon={Plug} onClick={() => setConnecting(true)}>
              {t("external.connect")}
            </Button>
          ) : null}
          {edit ? create : null}
        </header>
        <div className="flex items-center gap-2 px-7 max-md:px-4 pb-3 flex-wrap">
          <span className="text-12 text-ink-3 num" role="status">
            {list.data ? t("list.count", { count: total }) : ""}
          </span>
          <div className="flex-1" />
          <Filter ref={box} value={search.q ?? ""} onChange={(q) => onSearch({ q: q || undefined })} />
          <TagFilter value={chosenTags} onChange={(tags) => onSearch({ tags: tags.join(",") || undefined })} />
          {owner ? (
            <Button aria-pressed={search.all === true} onClick={() => onSearch({ all: search.all ? undefined : true })}>
              {t("list.all")}
            </Button>
          ) : null}
        </div>
        <div className="px-7 max-md:px-4 pb-3 empty:hidden">
          <StoreNotice />
        </div>
        {list.isPending ? (
          <div className="px-7 max-md:px-4">
            <SkeletonRows rows={6} height={64} slow={c("common.slow")} label={c("common.loading")} />
          </div>
        ) : list.error ? (
          <div className="px-7 max-md:px-4">
            <Failed
              title={t("list.failed")}
              text={messageOf(list.error)}
              retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
              details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
            />
          </div>
        ) : rows.length === 0 ? (
          <div className="px-7 max-md:px-4">
            {filtered ? (
              <Empty icon={ListFilter} title={t("list.noMatch")}>
                <Button onClick={() => onSearch({ q: undefined, tags: undefined })}>{c("common.clearFilter")}</Button>
              </Empty>
            ) : (
              <Empty icon={LibraryBig} cat="knowledge" title={t("list.emptyTitle")} text={t(edit ? "list.emptyText" : "list.emptyNoEdit")}>
                {edit ? (
                  <>
                    <Button kind="primary" icon={Plus} onClick={onCreate}>
                      {t("list.add")}
                    </Button>
                    {build ? (
                      <Button icon={Workflow} onClick={onFromPipeline}>
                        {t("list.fromPipeline")}
                      </Button>
                    ) : null}
                  </>
                ) : null}
              </Empty>
            )}
          </div>
        ) : (
          <ul
            aria-label={t("list.title")}
            className="grid gap-3 px-7 max-md:px-4 pb-6"
            style={{ gridTemplateColumns: "repeat(auto-fill, minmax(min(280px, 100%), 1fr))" }}
          >
            {rows.map((dataset, index) => (
              <DatasetCard
                key={dataset.id}
                dataset={dataset}
                active={index === active}
                edit={edit}
                onOpen={() => onOpen(dataset.id)}
                onSettings={() => onSettings(dataset.id)}
                {...(build ? { onPipeline: () => onPipeline(dataset.id), onExport: () => void exported(dataset) } : {})}
                onTags={() => setDoing({ what: "tags", dataset })}
                onDelete={() => setDoing({ what: "delete", dataset })}
              />
            ))}
          </ul>
        )}
        {list.hasNextPage ? (
          <div className="p-4 text-center">
            <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
              {c("common.more")}
            </Button>
          </div>
        ) : null}
      </div>
      {doing?.what === "tags" ? <TagsDialog kind="knowledge" target={doing.dataset} onClose={() => setDoing(undefined)} /> : null}
      {doing?.what === "delete" ? <DeleteDialog dataset={doing.dataset} onClose={() => setDoing(undefined)} /> : null}
      {connecting ? (
        <ExternalDialog
          onClose={() => setConnecting(false)}
          onMade={(id) => {
            setConnecting(false);
            onOpen(id);
          }}
        />
      ) : null}
    </section>
  );
}

/** Types at once, asks after a moment. */
export function Filter({
  value,
  label,
  onChange,
  ref,
  wide,
}: {
  value: string;
  label?: string;
  wide?: boolean;
  onChange: (text: string) => void;
  ref?: React.Ref<HTMLInputElement>;
}) {
  const { t } = useTranslation("knowledge");
  const [text, setText] = useState(value);
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => latest.current(text), 250);
    return () => clearTimeout(timer);
  }, [text, value]);
  const name = label ?? t("list.filter");
  return (
    <div className={wide ? "flex-1 min-w-[200px]" : "w-[200px] max-md:flex-1"}>
      <Input
        ref={ref}
        icon={ListFilter}
        aria-label={name}
        placeholder={name}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => (event.key === "Escape" ? event.currentTarget.blur() : undefined)}
        end={<Kbd keys="/" />}
      />
    </div>
  );
}

function TagFilter({ value, onChange }: { value: readonly string[]; onChange: (tags: string[]) => void }) {
  const { t } = useTranslation("knowledge");
  const tags = useQuery(datasetTags).data ?? [];
  return (
    <Menu
      trigger={
        <Button icon={TagIcon} aria-pressed={value.length > 0}>
          {t("list.tags")}
          {value.length > 0 ? <span className="badge">{value.length}</span> : null}
        </Button>
      }
      entries={[
        ...(tags.length === 0 ? [{ key: "none", head: t("list.noTags") }] : []),
        ...tags.map((tag) => ({
          key: tag.id,
          label: tag.name,
          hint: tag.binding_count ?? "",
          checked: value.includes(tag.id),
          onSelect: () => onChange(value.includes(tag.id) ? value.filter((id) => id !== tag.id) : [...value, tag.id]),
        })),
      ]}
    />
  );
}
