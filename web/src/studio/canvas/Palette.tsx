/** What can be added: kinds of nodes and tools; search, keyboard, click to add, drag to a place. */
import { ExternalLink, Search } from "lucide-react";
import { type KeyboardEvent, type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { tabKeys } from "../../lib/tabs";
import { SourceRow, ToolList } from "../editors/ToolList";
import { toolData, useTools } from "../editors/ToolPicker";
import { nameOfKind, type SourceKind, sourceData, useSourceKinds } from "../editors/sourceKinds";
import { type Source, type ToolRow, useToolRows } from "../editors/toolRows";
import type { Category, Kind } from "../nodes/kind";
import { kindOf, kindsFor } from "../nodes/registry";
import { Popover } from "../parts/popover";
import { addNode, closePalette, containerFor, mayStand } from "../store/actions";
import { type PaletteRequest, useStudio } from "../store/studio";
import { useDefaultModel } from "../store/useDefaultModel";
import { getView } from "../store/view";
import { putOnDrag } from "./drag";

export function Palette() {
  const request = useStudio((s) => s.palette);
  return request ? <OpenPalette key={`${request.screen.x},${request.screen.y}`} request={request} /> : null;
}

interface Entry {
  readonly kind: Kind;
  readonly name: string;
  readonly about: string;
  readonly taken: boolean;
  /** Settings the node starts with besides those of its kind. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** Why it cannot be added. */
  readonly reason: string;
}

/** A graph starts with a person's input or with triggers, never with both. */
function otherStart(type: string, used: ReadonlySet<string>): boolean {
  return [...used].some((other) => other !== type && kindOf(other).starts && (other === "start") !== (type === "start"));
}

/** One entry for each data source instead of one for all. */
function withVariants(entry: Entry, sources: readonly SourceKind[] | undefined, language: string): Entry[] {
  if (entry.kind.variants !== "datasources" || !sources?.length) return [entry];
  return sources.map((source) => ({ ...entry, name: nameOfKind(source, language), data: sourceData(source, language) }));
}

function useEntries(request: PaletteRequest, query: string): Entry[] {
  const { t, i18n } = useTranslation("studio");
  const { data: sources } = useSourceKinds();
  const mode = useStudio((s) => s.mode);
  const document = useStudio((s) => s.document);
  return useMemo(() => {
    const behind = request.from !== undefined || request.edge !== undefined;
    const needle = query.trim().toLocaleLowerCase();
    const container = containerFor(document, request);
    const used = new Set([...document.nodes.values()].map((n) => n.data.type));
    return kindsFor(mode)
      .filter((kind) => !(behind && kind.starts) && mayStand(kind.type, container))
      .map((kind) => {
        const clash = kind.starts && !request.replace && otherStart(kind.type, used);
        const there = kind.unique && used.has(kind.type);
        return { kind, name: t(`kinds.${kind.type}.name`), about: t(`kinds.${kind.type}.about`), taken: there || clash, reason: t(there ? "palette.onlyOne" : "palette.oneWay") };
      })
      .flatMap((entry) => withVariants(entry, sources, i18n.language))
      .filter((entry) => `${entry.name} ${entry.about} ${entry.kind.type}`.toLocaleLowerCase().includes(needle));
  }, [request, query, mode, document, sources, i18n.language, t]);
}

/** Search, nodes or tools, and a list that is gone through with the arrows. */
function OpenPalette({ request }: { request: PaletteRequest }) {
  const { t } = useTranslation("studio");
  const [tab, setTab] = useState<"nodes" | "tools">("nodes");
  const [query, setQuery] = useState("");
  const [activeId, setActiveId] = useState<string>();
  const leave = () => {
    closePalette();
    const [only] = useStudio.getState().selection;
    if (only) getView()?.focus(only);
  };
  const mayTools = useStudio((s) => mayStand("tool", containerFor(s.document, request)));
  // What the list does with a key while the search has the focus.
  const list = useRef<(event: KeyboardEvent) => void>(undefined);
  const tabs = mayTools ? (["nodes", "tools"] as const) : (["nodes"] as const);
  return (
    <Popover at={request.screen} className="st-palette" label={t("palette.label")} restore={false} onClose={leave} onKeyDown={(event) => list.current?.(event)}>
      <label className="st-palette-search">
        <Search size={14} strokeWidth={1.9} aria-hidden />
        <input
          role="combobox"
          aria-expanded
          aria-controls="st-palette-list"
          aria-activedescendant={activeId}
          aria-label={t(tab === "nodes" ? "palette.search" : "tool.search")}
          placeholder={t(tab === "nodes" ? "palette.search" : "tool.search")}
          value={query}
          onChange={(e) => setQuery(e.target.value)}
        />
      </label>
      {tabs.length > 1 ? (
        <div className="st-palette-tabs" role="tablist" aria-label={t("palette.tabs")} onKeyDown={tabKeys}>
          {tabs.map((each) => (
            <button key={each} type="button" role="tab" aria-selected={tab === each} tabIndex={tab === each ? 0 : -1} onClick={() => setTab(each)}>
              {t(`palette.tab.${each}`)}
            </button>
          ))}
        </div>
      ) : null}
      {tab === "nodes" ? <NodeList key={query} request={request} query={query} keys={list} onActive={setActiveId} /> : <ToolTab key={query} request={request} query={query} keys={list} onActive={setActiveId} />}
    </Popover>
  );
}

interface ListProps {
  readonly request: PaletteRequest;
  readonly query: string;
  readonly keys: RefObject<((event: KeyboardEvent) => void) | undefined>;
  /** Tells which row the keys are at. */
  readonly onActive: (id: string | undefined) => void;
}

/** The arrows move, Enter in the search takes. */
function listKeys(count: number, active: number, setActive: (index: number) => void, choose: () => void) {
  return (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setActive((active + step + count) % Math.max(1, count));
    } else if (event.key === "Enter" && event.target instanceof HTMLInputElement) {
      event.preventDefault();
      choose();
    }
  };
}

function useInView(active: number) {
  const list = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: moves with the active row
  useEffect(() => {
    list.current?.querySelector('[data-active="true"]')?.scrollIntoView({ block: "nearest" });
  }, [active]);
  return list;
}

/** The tools of the workspace: one is added as a node that is set up to call it. */
function ToolTab({ request, query, keys, onActive }: ListProps) {
  const { t, i18n } = useTranslation("studio");
  const { data: providers, isPending, error } = useTools();
  const [from, setFrom] = useState<Source>("all");
  const [active, setActive] = useState(0);
  const rows = useToolRows(providers, query, from);
  const nodeOf = (row: ToolRow) => ({ type: "tool", title: row.name, model: undefined, data: toolData(row.provider, row.tool, i18n.language) });
  const choose = (row: ToolRow | undefined) => (row ? addNode(nodeOf(row), request) : undefined);
  keys.current = listKeys(rows.length, active, setActive, () => choose(rows[active]));
  const list = useInView(active);
  const id = rows[active] ? `st-tool-${String(active)}` : undefined;
  useEffect(() => onActive(id), [id, onActive]);
  return (
    <>
      <SourceRow
        value={from}
        onChange={(source) => {
          setFrom(source);
          setActive(0);
        }}
      />
      <div className="st-palette-list" role="listbox" id="st-palette-list" aria-label={t("palette.tab.tools")} ref={list}>
        {rows.length === 0 ? <div className="st-empty">{error ? error.message : isPending ? t("common.loading") : query ? t("palette.nothing", { query }) : t("tool.noneHere")}</div> : null}
        <ToolList rows={rows} active={active} onOver={setActive} onChoose={choose} onDrag={(event, row) => putOnDrag(event.dataTransfer, nodeOf(row))} onDragEnd={closePalette} />
      </div>
      <a className="st-palette-foot" href="/tools" target="_blank" rel="noreferrer">
        {t("tool.manage")}
        <ExternalLink size={12} strokeWidth={2} aria-hidden />
      </a>
    </>
  );
}

function NodeList({ request, query, keys, onActive }: ListProps) {
const { t } = useTranslation("studio");
  const [chosen, setActive] = useState<number>();
  const entries = useEntries(request, query);
  // Enter takes the first that may be added.
  const active = chosen ?? Math.max(0, entries.findIndex((entry) => !entry.taken));
  const model = useDefaultModel();
  const list = useInView(active);
  const choose = (entry: Entry | undefined) => {
    if (entry && !entry.taken) addNode(nodeOf(entry, model), request);
  };
  keys.current = listKeys(entries.length, active, setActive, () => choose(entries[active]));
  const at = entries[active];
  const id = at ? rowId(at) : undefined;
  useEffect(() => onActive(id), [id, onActive]);
  let group: Category | undefined;
  return (
    <div className="st-palette-list" role="listbox" id="st-palette-list" aria-label={t("palette.label")} ref={list}>
      {entries.length === 0 ? <div className="st-empty">{t("palette.nothing", { query })}</div> : null}
      {entries.map((entry, i) => {
        const heading = entry.kind.category === group ? undefined : entry.kind.category;
        group = entry.kind.category;
        return (
          <div key={rowId(entry)}>
            {heading ? <div className="st-palette-group">{t(`categories.${heading}`)}</div> : null}
            <PaletteRow entry={entry} active={i === active} onOver={() => setActive(i)} onChoose={() => choose(entry)} model={model} />
          </div>
        );
      })}
    </div>
  );
}

const rowId = (entry: Entry) => (entry.data ? `st-kind-${entry.kind.type}-${entry.name.replaceAll(/\s+/g, "-")}` : `st-kind-${entry.kind.type}`);

function nodeOf({ kind, name, data }: Entry, model: RowProps["model"]) {
  return { type: kind.type, title: name, model, ...(data ? { data } : {}) };
}

interface RowProps {
  readonly entry: Entry;
  readonly active: boolean;
  readonly onOver: () => void;
  readonly onChoose: () => void;
  readonly model: ReturnType<typeof useDefaultModel>;
}

function PaletteRow({ entry, active, onOver, onChoose, model }: RowProps) {
  const { kind, name, about, taken, reason } = entry;
  return (
    <button
      type="button"
      role="option"
      id={rowId(entry)}
      aria-selected={active}
      aria-disabled={taken}
      tabIndex={-1}
      className="st-option"
      data-active={active}
      draggable={!taken}
      onDragStart={(e) => putOnDrag(e.dataTransfer, nodeOf(entry, model))}
      onDragEnd={closePalette}
      onPointerMove={onOver}
      onClick={onChoose}
    >
      <span className={`st-tile st-cat-${kind.category}`}>
        <kind.icon size={14} strokeWidth={1.9} aria-hidden />
      </span>
      <span className="st-grow">
        {name}
        <small>{taken ? reason : about}</small>
      </span>
    </button>
  );
}
