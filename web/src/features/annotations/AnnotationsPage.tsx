/** What an app should have answered: kept, searched, corrected, brought in and taken out. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { Download, Ellipsis, FileDown, FileUp, MessageSquareQuote, Plus, Search, Trash2 } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { type Annotation, annotationList, clearAnnotations, deleteAnnotations, exportAnnotations, useAnnotationChange } from "../../data/annotations";
import type { AppDetail } from "../../data/apps";
import { useFormat } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import { useNarrow } from "../../lib/media";
import { saveFile } from "../../lib/save";
import { BarEnd } from "../../ui/BarEnd";
import { Button, IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Input } from "../../ui/Input";
import { Kbd } from "../../ui/Kbd";
import { Menu } from "../../ui/Menu";
import { Rows } from "../../ui/Rows";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { Checkbox } from "../../ui/Switch";
import { AnnotationDialog } from "./AnnotationDialog";
import { csvOf, jsonlOf } from "./files";
import { ImportDialog } from "./ImportDialog";
import { ReplyRow } from "./ReplyRow";

const WIDE = { gridTemplateColumns: "16px minmax(0, 2fr) minmax(0, 3fr) 60px 150px 28px" };
const PHONE = { gridTemplateColumns: "16px minmax(0, 1fr) 44px" };

interface Props {
  readonly app: AppDetail;
  readonly words: string;
  readonly onWords: (words: string) => void;
}

type Open =
  | { readonly kind: "add" | "import" | "clear" }
  | { readonly kind: "edit"; readonly annotation: Annotation }
  | { readonly kind: "delete"; readonly ids: readonly string[] };

export function AnnotationsPage({ app, words, onWords }: Props) {
  const { t } = useTranslation("annotations");
  const { t: c } = useTranslation();
  const phone = useNarrow();
  const list = useInfiniteQuery(annotationList(app.id, words || undefined));
  const items = useMemo(() => list.data?.pages.flatMap((page) => page.data) ?? [], [list.data]);
  const total = list.data?.pages[0]?.total ?? 0;
  const [open, setOpen] = useState<Open>();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [active, setActive] = useState(-1);
  const failed = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const drop = useAnnotationChange(app.id, (ids: readonly string[]) => deleteAnnotations(app.id, ids));
  const clear = useAnnotationChange(app.id, () => clearAnnotations(app.id));
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  const edit = (annotation: Annotation | undefined) => (annotation ? setOpen({ kind: "edit", annotation }) : undefined);
  const move = (by: number) => setActive(Math.max(0, Math.min(items.length - 1, active + by)));
  const row = items[active];
  useKeys(
    {
      j: () => move(1),
      k: () => move(-1),
      Enter: () => edit(row),
      x: () => (row ? toggle(row.id) : undefined),
      c: () => setOpen({ kind: "add" }),
      Escape: () => setChosen(new Set()),
    },
    open === undefined,
  );
  const close = () => setOpen(undefined);
  const download = (kind: "csv" | "jsonl") =>
    exportAnnotations(app.id).then(
      ({ data }) =>
        saveFile(`${app.name} annotations.${kind}`, kind === "csv" ? csvOf(data) : jsonlOf(data), kind === "csv" ? "text/csv" : "application/jsonl"),
      failed,
    );
  const add = (
    <Button kind="primary" icon={Plus} keys="C" onClick={() => setOpen({ kind: "add" })}>
      {t("add")}
    </Button>
  );
  const emptyHanded = total === 0 && words === "";
  return (
    <section className="flex-1 flex flex-col min-h-0 relative" aria-label={t("title", { name: app.name })}>
      <BarEnd>{add}</BarEnd>
      <div className="flex items-center gap-2 px-5 max-md:px-4 pt-3 pb-2 flex-wrap">
        <div className="flex-1" style={{ minWidth: 220 }}>
          <Words value={words} onChange={onWords} label={t("search")} />
        </div>
        <Button icon={FileUp} onClick={() => setOpen({ kind: "import" })}>
          {t("import.open")}
        </Button>
        <Menu
          trigger={
            <Button icon={Download} disabled={emptyHanded}>
              {t("export.open")}
            </Button>
          }
          entries={[
            { key: "csv", label: t("export.csv"), icon: FileDown, onSelect: () => void download("csv") },
            { key: "jsonl", label: t("export.jsonl"), icon: FileDown, onSelect: () => void download("jsonl") },
          ]}
        />
        <Menu
          trigger={<IconButton kind="default" icon={Ellipsis} label={c("common.actions")} />}
          entries={[{ key: "clear", label: t("clear.open"), icon: Trash2, tone: "bad", disabled: total === 0, onSelect: () => setOpen({ kind: "clear" }) }]}
        />
      </div>
      <ReplyRow appId={app.id} />
      {list.isPending ? (
        <div className="px-5 flex-1">
          <SkeletonRows rows={10} height={40} slow={c("common.slow")} label={c("common.loading")} />
        </div>
      ) : list.error ? (
        <div className="p-5 flex-1">
          <Failed
            title={t("failed")}
            text={messageOf(list.error)}
            retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
            details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
          />
        </div>
      ) : items.length === 0 ? (
        <div className="p-5 flex-1">
          {words ? (
            <Empty icon={Search} title={t("empty.words", { words })}>
              <Button onClick={() => onWords("")}>{c("common.clearFilter")}</Button>
            </Empty>
          ) : (
            <Empty icon={MessageSquareQuote} cat="acc" title={t("empty.title")} text={t("empty.text")}>
              <Button kind="primary" onClick={() => setOpen({ kind: "add" })}>
                {t("add")}
              </Button>
              <Button onClick={() => setOpen({ kind: "import" })}>{t("import.open")}</Button>
            </Empty>
          )}
        </div>
      ) : (
        <Rows
          count={items.length}
          height={phone ? 56 : 44}
          active={active}
          label={t("list")}
          head={
            <Head
              phone={phone}
              all={items.length > 0 && items.every((item) => chosen.has(item.id))}
              onAll={(on) => setChosen(new Set(on ? items.map((item) => item.id) : []))}
            />
          }
          row={(index) => {
            const item = items[index];
            return item ? (
              <Row
                item={item}
                phone={phone}
                active={index === active}
                chosen={chosen.has(item.id)}
                onChoose={() => toggle(item.id)}
                onOpen={() => edit(item)}
                onDelete={() => setOpen({ kind: "delete", ids: [item.id] })}
              />
            ) : null;
          }}
          onEnd={list.hasNextPage && !list.isFetchingNextPage ? () => void list.fetchNextPage() : undefined}
        />
      )}
      <footer className="flex items-center gap-4 px-5 max-md:px-4 h-9 flex-none border-t border-line-1 text-12 text-ink-3">
        <span className="num" role="status">
          {list.data ? t("count", { count: total }) : ""}
        </span>
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
      {chosen.size > 0 ? (
        <div className="absolute bottom-12 inset-x-0 flex justify-center pointer-events-none">
          <div
            className="flex items-center gap-2 px-3 py-2 rounded-md bg-surface-1 shadow-3 pointer-events-auto"
            role="region"
            aria-label={t("selected", { count: chosen.size })}
          >
            <span className="num">{t("selected", { count: chosen.size })}</span>
            <Button size="sm" kind="danger" icon={Trash2} onClick={() => setOpen({ kind: "delete", ids: [...chosen] })}>
              {c("common.delete")}
            </Button>
            <Button size="sm" kind="quiet" onClick={() => setChosen(new Set())}>
              {t("unselect")}
            </Button>
          </div>
        </div>
      ) : null}
      {open?.kind === "add" ? <AnnotationDialog appId={app.id} id={undefined} start={{ question: "", answer: "" }} onClose={close} /> : null}
      {open?.kind === "edit" ? <AnnotationDialog appId={app.id} id={open.annotation.id} start={open.annotation} onClose={close} /> : null}
      {open?.kind === "import" ? <ImportDialog appId={app.id} onClose={close} /> : null}
      <Confirm
        open={open?.kind === "delete"}
        title={t("deleteTitle", { count: open?.kind === "delete" ? open.ids.length : 0 })}
        text={t("deleteText")}
        confirm={c("common.delete")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={close}
        onConfirm={() => {
          if (open?.kind !== "delete") return;
          drop.mutate(open.ids, {
            onSuccess: () => setChosen(new Set([...chosen].filter((id) => !open.ids.includes(id)))),
            onError: failed,
            onSettled: close,
          });
        }}
      />
      <Confirm
        open={open?.kind === "clear"}
        title={t("clear.title")}
        text={t("clear.text")}
        typed={{ label: t("clear.type", { name: app.name }), text: app.name }}
        confirm={t("clear.confirm")}
        cancel={c("common.keep")}
        busy={clear.isPending}
        onClose={close}
        onConfirm={() => clear.mutate(undefined, { onSuccess: () => setChosen(new Set()), onError: failed, onSettled: close })}
      />
    </section>
  );
}

/** Types at once, asks after a moment. */
function Words({ value, onChange, label }: { value: string; onChange: (words: string) => void; label: string }) {
  const box = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const latest = useRef(onChange);
  latest.current = onChange;
  useKeys({ "/": () => box.current?.focus() });
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => latest.current(text), 250);
    return () => clearTimeout(timer);
  }, [text, value]);
  return (
    <Input
      ref={box}
      icon={Search}
      aria-label={label}
      placeholder={label}
      value={text}
      onChange={(event) => setText(event.target.value)}
      end={<Kbd keys="/" />}
    />
  );
}

function Head({ phone, all, onAll }: { phone: boolean; all: boolean; onAll: (on: boolean) => void }) {
  const { t } = useTranslation("annotations");
  return (
    <div role="row" className="th px-5 max-md:px-4" style={phone ? PHONE : WIDE}>
      <span role="columnheader" className="inline-flex">
        <Checkbox label={t("selectAll")} checked={all} onChange={onAll} />
      </span>
      <span role="columnheader">{t("question")}</span>
      {phone ? null : (
        <>
          <span role="columnheader">{t("answer")}</span>
          <span role="columnheader" className="text-end">
            {t("col.hits")}
          </span>
          <span role="columnheader" className="text-end">
            {t("col.created")}
          </span>
        </>
      )}
      <span role="columnheader" aria-label={t("col.actions")} />
    </div>
  );
}

interface RowProps {
  readonly item: Annotation;
  readonly phone: boolean;
  readonly active: boolean;
  readonly chosen: boolean;
  readonly onChoose: () => void;
  readonly onOpen: () => void;
  readonly onDelete: () => void;
}

function Row({ item, phone, active, chosen, onChoose, onOpen, onDelete }: RowProps) {
  const { t } = useTranslation("annotations");
  const format = useFormat();
  return (
    <div role="row" className="td px-5 max-md:px-4 h-full" style={phone ? PHONE : WIDE} data-active={active} aria-selected={chosen}>
      <span role="cell" className="inline-flex">
        <Checkbox label={t("select", { name: item.question })} checked={chosen} onChange={onChoose} />
      </span>
      <span role="cell" className="min-w-0 flex flex-col">
        <button type="button" className="truncate text-start font-medium hover:underline" onClick={onOpen}>
          {item.question}
        </button>
        {phone ? <span className="truncate text-12 text-ink-2">{item.answer}</span> : null}
      </span>
      {phone ? null : (
        <>
          <span role="cell" className="truncate text-ink-2">
            {item.answer}
          </span>
          <span role="cell" className="num text-end text-ink-2">
            {format.number(item.hit_count)}
          </span>
          <span role="cell" className="num text-end text-ink-2">
            {format.dateTime(item.created_at)}
          </span>
        </>
      )}
      <span role="cell">
        <IconButton size="sm" icon={Trash2} label={t("delete", { name: item.question })} onClick={onDelete} />
      </span>
    </div>
  );
}
