/** Apps home: ways to start, the filter, the table. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import {
  Clock,
  FileDown,
  LayoutGrid,
  LayoutTemplate,
  ListFilter,
  MessageSquare,
  MessagesSquare,
  Plus,
  Rows3,
  Sparkles,
  Tag as TagIcon,
  Upload,
  Workflow,
} from "lucide-react";
import { type DragEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import {
  type AppFilter,
  type AppItem,
  appFigures,
  appList,
  copyApp,
  createApp,
  deleteApp,
  MODES,
  type Mode,
  tagList,
  updateApp,
  useAppChange,
} from "../../data/apps";
import { usePins } from "../../data/explore";
import { useRights } from "../../data/session";
import { errorDetails, messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Input } from "../../ui/Input";
import { Kbd } from "../../ui/Kbd";
import { Tile } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";
import { Segmented } from "../../ui/Segmented";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { AppCards } from "./AppCards";
import { AppForm } from "./AppForm";
import { AppRows } from "./AppRows";
import { Attention } from "./Attention";
import type { RowAction } from "./appMenu";
import { DescribeDialog } from "./DescribeDialog";
import { ExportDialog } from "./ExportDialog";
import { DEFAULT_HOURS, HOURS, type Hours } from "./figures";
import { ImportDialog } from "./ImportDialog";
import { TagsDialog } from "./TagsDialog";

export interface AppsSearch {
  readonly mode?: Mode | undefined;
  readonly q?: string | undefined;
  readonly tags?: string | undefined;
  readonly mine?: boolean | undefined;
  readonly hours?: Hours | undefined;
  readonly view?: "cards" | undefined;
  readonly dialog?: "create" | "describe" | "import" | "template" | undefined;
  readonly kind?: Mode | undefined;
}

interface Props {
  readonly search: AppsSearch;
  readonly onSearch: (change: Partial<AppsSearch>) => void;
  readonly onOpen: (appId: string, newTab?: boolean) => void;
  /** To where models are connected. */
  readonly onModels: () => void;
  /** The dialog with templates. */
  readonly templates?: (onClose: () => void) => ReactNode;
}

type Doing = { readonly what: "rename" | "copy" | "delete" | "export" | "tags"; readonly app: AppItem };

export function AppsPage({ search, onSearch, onOpen, onModels, templates }: Props) {
  const { t } = useTranslation("apps");
  const { t: c } = useTranslation();
  const rights = useRights();
  const filterBox = useRef<HTMLInputElement>(null);
  const filter: AppFilter = { name: search.q, mode: search.mode, tags: search.tags?.split(",").filter(Boolean), mine: search.mine };
  const list = useInfiniteQuery(appList(filter));
  const apps = useMemo(() => list.data?.pages.flatMap((page) => page.data) ?? [], [list.data]);
  const total = list.data?.pages[0]?.total ?? 0;
  const filtered = Boolean(search.q || search.mode || search.tags || search.mine);
  const hours = search.hours ?? DEFAULT_HOURS;
  const figures = useQuery(
    appFigures(
      apps.map((app) => app.id),
      hours,
    ),
  ).data;
  const [active, setActive] = useState(-1);
  const [doing, setDoing] = useState<Doing>();
  const [file, setFile] = useState<File>();
  const [over, setOver] = useState(false);
  const current = apps[active];
  const pins = usePins();
  const act = (what: Doing["what"]) => () => (current && rights.edit ? setDoing({ what, app: current }) : undefined);
  useKeys(
    {
      c: () => (rights.edit ? onSearch({ dialog: "create" }) : undefined),
      "/": () => filterBox.current?.focus(),
      j: () => setActive((now) => Math.min(apps.length - 1, now + 1)),
      k: () => setActive((now) => Math.max(0, now - 1)),
      Enter: () => (current ? onOpen(current.id) : undefined),
      "mod+Enter": () => (current ? onOpen(current.id, true) : undefined),
      e: act("rename"),
      d: act("copy"),
      p: () => (current ? pins.toggle(current.id) : undefined),
    },
    !doing && !search.dialog,
  );
  const action: RowAction = (what, app) => (what === "open" ? onOpen(app.id) : setDoing({ what, app }));
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const [first] = event.dataTransfer.files;
    if (!first || !rights.edit) return;
    setFile(first);
    onSearch({ dialog: "import" });
  };
  const closeDialog = () => {
    setFile(undefined);
    onSearch({ dialog: undefined, kind: undefined });
  };
  return (
    <section
      className="flex flex-col flex-1 min-h-0 relative"
      aria-label={t("title")}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes("Files") || !rights.edit) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => (event.currentTarget === event.target ? setOver(false) : undefined)}
      onDrop={drop}
    >
      <div className="flex-1 min-h-0 overflow-auto">
        <header className="flex items-center gap-2.5 px-7 max-md:px-4 pt-5 pb-3.5">
          <h1 className="text-20 font-semibold flex-1">{t("title")}</h1>
          {rights.edit ? (
            <>
              <Button icon={Upload} onClick={() => onSearch({ dialog: "import" })}>
                {t("import")}
              </Button>
              <Button kind="primary" icon={Plus} keys="C" onClick={() => onSearch({ dialog: "create" })}>
                {t("new")}
              </Button>
            </>
          ) : null}
        </header>
        {rights.edit ? (
          <Starts
            onDescribe={() => onSearch({ dialog: "describe" })}
            onCreate={(kind) => onSearch({ dialog: "create", kind })}
            onImport={() => onSearch({ dialog: "import" })}
            onTemplate={templates ? () => onSearch({ dialog: "template" }) : undefined}
          />
        ) : null}
        <Attention apps={apps} figures={figures} hours={hours} />
        <div className="flex items-center gap-2 px-7 max-md:px-4 pb-2 flex-wrap">
          <Segmented
            label={t("filter.label")}
            value={search.mode ?? "all"}
            onChange={(mode) => onSearch({ mode: mode === "all" ? undefined : mode })}
            segments={[
              { value: "all" as const, label: t("filter.all"), count: list.data && !filtered ? String(total) : undefined },
              ...MODES.map((mode) => ({ value: mode, label: c(`modes.${mode}.name`) })),
            ]}
          />
          <div className="flex-1 max-md:hidden" />
          <FilterBox ref={filterBox} value={search.q ?? ""} onChange={(q) => onSearch({ q: q || undefined })} />
          <TagFilter
            value={filter.tags ?? []}
            mine={search.mine === true}
            onTags={(tags) => onSearch({ tags: tags.join(",") || undefined })}
            onMine={(mine) => onSearch({ mine: mine || undefined })}
          />
          <Menu
            trigger={<Button icon={Clock}>{t(`hours.${hours}`)}</Button>}
            entries={HOURS.map((each) => ({
              key: String(each),
              label: t(`hours.${each}`),
              checked: each === hours,
              onSelect: () => onSearch({ hours: each === DEFAULT_HOURS ? undefined : each }),
            }))}
          />
          <Segmented
            label={t("view.label")}
            value={search.view ?? "rows"}
            onChange={(view) => onSearch({ view: view === "cards" ? "cards" : undefined })}
            segments={[
              { value: "rows", label: t("view.rows"), icon: Rows3, bare: true },
              { value: "cards", label: t("view.cards"), icon: LayoutGrid, bare: true },
            ]}
          />
        </div>
        {list.isPending ? (
          <div className="px-7 max-md:px-4">
            <SkeletonRows rows={8} height={45} slow={c("common.slow")} label={c("common.loading")} />
          </div>
        ) : list.error ? (
          <div className="px-7 max-md:px-4 pt-4">
            <Failed
              title={t("failed")}
              text={messageOf(list.error)}
              retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
              details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
            />
          </div>
        ) : apps.length === 0 ? (
          <div className="px-7 max-md:px-4 pt-4">
            {filtered ? (
              <Empty icon={ListFilter} title={t("filter.empty")} text={t("filter.emptyText")}>
                <Button onClick={() => onSearch({ q: undefined, mode: undefined, tags: undefined, mine: undefined })}>{c("common.clearFilter")}</Button>
              </Empty>
            ) : (
              <Empty icon={LayoutGrid} cat="acc" title={t("empty.title")} text={rights.edit ? t("empty.text") : t("empty.noEdit")}>
                {rights.edit ? (
                  <>
                    <Button kind="primary" icon={Sparkles} onClick={() => onSearch({ dialog: "describe" })}>
                      {t("start.describe")}
                    </Button>
                    <Button icon={Upload} onClick={() => onSearch({ dialog: "import" })}>
                      {t("importDialog.title")}
                    </Button>
                  </>
                ) : null}
              </Empty>
            )}
          </div>
        ) : (
          <>
            {search.view === "cards" ? (
              <AppCards apps={apps} figures={figures} active={active} onAction={action} edit={rights.edit} onOpen={onOpen} />
            ) : (
              <AppRows apps={apps} figures={figures} active={active} onActive={setActive} onAction={action} edit={rights.edit} onOpen={onOpen} />
            )}
            {list.hasNextPage ? (
              <div className="p-4 text-center">
                <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                  {c("common.more")}
                </Button>
              </div>
            ) : null}
          </>
        )}
      </div>
      <Foot total={list.data ? t("count", { count: total }) : ""} edit={rights.edit} />
      {over ? (
        <div className="absolute inset-2 rounded-lg border-2 border-dashed border-accent bg-accent-soft flex items-center justify-center text-16 font-semibold pointer-events-none">
          {t("dropHere")}
        </div>
      ) : null}
      {search.dialog === "create" ? <Create kind={search.kind} onClose={closeDialog} onOpen={onOpen} /> : null}
      {search.dialog === "describe" && rights.edit ? <DescribeDialog onClose={closeDialog} onOpen={(id) => onOpen(id)} onModels={onModels} /> : null}
      {search.dialog === "template" && rights.edit ? templates?.(closeDialog) : null}
      {search.dialog === "import" ? <ImportDialog file={file} onClose={closeDialog} onOpen={(id) => onOpen(id)} /> : null}
      {doing ? <Task doing={doing} onClose={() => setDoing(undefined)} /> : null}
    </section>
  );
}

function Create({ kind, onClose, onOpen }: { kind: Mode | undefined; onClose: () => void; onOpen: (id: string) => void }) {
  const { t } = useTranslation("apps");
  const create = useAppChange(createApp);
  return (
    <AppForm
      kinds
      title={t("create.title")}
      submit={t("create.submit")}
      mode={kind ?? "workflow"}
      onClose={onClose}
      onSubmit={async (fields) => onOpen((await create.mutateAsync(fields)).id)}
    />
  );
}

/** The dialog for an action on one app. */
export function Task({ doing, onClose, onDeleted }: { doing: Doing; onClose: () => void; onDeleted?: () => void }) {
  const { t } = useTranslation("apps");
  const { t: c } = useTranslation();
  const { what, app } = doing;
  const rename = useAppChange((fields: Parameters<typeof updateApp>[1]) => updateApp(app.id, fields));
  const copy = useAppChange((fields: Parameters<typeof copyApp>[1]) => copyApp(app.id, fields));
  const destroy = useAppChange(() => deleteApp(app.id));
  if (what === "tags") return <TagsDialog kind="app" target={app} onClose={onClose} />;
  if (what === "export") return <ExportDialog app={app} onClose={onClose} />;
  if (what === "rename") {
    return (
      <AppForm
        title={t("edit.title", { name: app.name })}
        submit={t("edit.submit")}
        mode={app.mode}
        start={app}
        onClose={onClose}
        onSubmit={async (fields) => {
          await rename.mutateAsync(fields);
          onClose();
        }}
      />
    );
  }
  if (what === "copy") {
    return (
      <AppForm
        title={t("copy.title", { name: app.name })}
        submit={t("copy.submit")}
        mode={app.mode}
        start={{ ...app, name: t("copy.name", { name: app.name }) }}
        onClose={onClose}
        onSubmit={async (fields) => {
          await copy.mutateAsync(fields);
          toast(t("copy.done", { name: fields.name }));
          onClose();
        }}
      />
    );
  }
  return (
    <Confirm
      open
      title={t("delete.title", { name: app.name })}
      text={t("delete.text")}
      typed={{ label: t("delete.typed"), text: app.name }}
      confirm={c("common.delete")}
      cancel={c("common.keep")}
      busy={destroy.isPending}
      onClose={onClose}
      onConfirm={() =>
        destroy.mutate(undefined, {
          onSuccess: () => {
            toast(t("delete.done", { name: app.name }));
            onClose();
            onDeleted?.();
          },
          onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
        })
      }
    />
  );
}

interface StartsProps {
  readonly onDescribe: () => void;
  readonly onCreate: (mode: Mode) => void;
  readonly onImport: () => void;
  readonly onTemplate: (() => void) | undefined;
}

function Starts({ onDescribe, onCreate, onImport, onTemplate }: StartsProps) {
  const { t } = useTranslation("apps");
  const cards = [
    { key: "describe", icon: Sparkles, cat: "acc", run: onDescribe },
    { key: "workflow", icon: Workflow, cat: undefined, run: () => onCreate("workflow") },
    { key: "chatflow", icon: MessagesSquare, cat: undefined, run: () => onCreate("advanced-chat") },
    { key: "chat", icon: MessageSquare, cat: undefined, run: () => onCreate("chat") },
    ...(onTemplate ? [{ key: "template", icon: LayoutTemplate, cat: undefined, run: onTemplate }] : []),
    { key: "import", icon: FileDown, cat: undefined, run: onImport },
  ];
  return (
    <div className="grid gap-2.5 px-7 max-md:px-4 pb-5" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(160px, 100%), 1fr))" }}>
      {cards.map(({ key, icon: Icon, cat, run }) => (
        <button key={key} type="button" className="radiocard items-center" data-state={cat ? "checked" : undefined} style={{ height: 58 }} onClick={run}>
          <Tile cat={cat} size="lg">
            <Icon size={16} strokeWidth={1.75} aria-hidden />
          </Tile>
          <span className="min-w-0">
            <span className="font-semibold block truncate">{t(`start.${key}`)}</span>
            <span className="text-12 text-ink-2 block truncate max-md:whitespace-normal">{t(`start.${key}Text`)}</span>
          </span>
        </button>
      ))}
    </div>
  );
}

/** Types at once, asks after a moment. */
function FilterBox({ value, onChange, ref }: { value: string; onChange: (text: string) => void; ref: React.Ref<HTMLInputElement> }) {
  const { t } = useTranslation("apps");
  const [text, setText] = useState(value);
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => latest.current(text), 250);
    return () => clearTimeout(timer);
  }, [text, value]);
  return (
    <div className="w-[194px] max-md:flex-1">
      <Input
        ref={ref}
        icon={ListFilter}
        aria-label={t("filter.name")}
        placeholder={t("filter.name")}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => (event.key === "Escape" ? event.currentTarget.blur() : undefined)}
        end={<Kbd keys="/" />}
      />
    </div>
  );
}

function TagFilter({
  value,
  mine,
  onTags,
  onMine,
}: {
  value: readonly string[];
  mine: boolean;
  onTags: (tags: string[]) => void;
  onMine: (mine: boolean) => void;
}) {
  const { t } = useTranslation("apps");
  const tags = useQuery(tagList).data ?? [];
  const count = value.length + (mine ? 1 : 0);
  return (
    <Menu
      trigger={
        <Button icon={TagIcon} aria-pressed={count > 0}>
          {t("filter.tags")}
          {count > 0 ? <span className="badge">{count}</span> : null}
        </Button>
      }
      entries={[
        { key: "mine", label: t("filter.mine"), checked: mine, onSelect: () => onMine(!mine) },
        { key: "line", line: true },
        ...(tags.length === 0 ? [{ key: "none", head: t("filter.noTags") }] : []),
        ...tags.map((tag) => ({
          key: tag.id,
          label: tag.name,
          hint: tag.binding_count ?? "",
          checked: value.includes(tag.id),
          onSelect: () => onTags(value.includes(tag.id) ? value.filter((id) => id !== tag.id) : [...value, tag.id]),
        })),
      ]}
    />
  );
}

function Foot({ total, edit }: { total: string; edit: boolean }) {
  const { t } = useTranslation("apps");
  return (
    <footer className="flex items-center gap-4 px-7 h-11 max-md:hidden flex-none border-t border-line-1 text-12 text-ink-3">
      <span className="flex items-center gap-1.5">
        <Kbd keys="J" />
        <Kbd keys="K" /> {t("keys.move")}
      </span>
      <span className="flex items-center gap-1.5">
        <Kbd keys="enter" /> {t("keys.open")}
      </span>
      <span className="flex items-center gap-1.5">
        <Kbd keys="P" /> {t("keys.pin")}
      </span>
      {edit ? (
        <>
          <span className="flex items-center gap-1.5">
            <Kbd keys="E" /> {t("keys.rename")}
          </span>
          <span className="flex items-center gap-1.5">
            <Kbd keys="D" /> {t("keys.duplicate")}
          </span>
        </>
      ) : null}
      <span className="ms-auto num">{total}</span>
    </footer>
  );
}
