/** The list of node kinds: search, keyboard, click to add, drag to a place. */
import { Search } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
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
  /** Why it cannot be added. */
  readonly reason: string;
}

/** A graph starts with a person's input or with triggers, never with both. */
function otherStart(type: string, used: ReadonlySet<string>): boolean {
  return [...used].some((other) => other !== type && kindOf(other).starts && (other === "start") !== (type === "start"));
}

function useEntries(request: PaletteRequest, query: string): Entry[] {
  const { t } = useTranslation("studio");
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
      .filter((entry) => `${entry.name} ${entry.about} ${entry.kind.type}`.toLocaleLowerCase().includes(needle));
  }, [request, query, mode, document, t]);
}

function OpenPalette({ request }: { request: PaletteRequest }) {
  const { t } = useTranslation("studio");
  const [query, setQuery] = useState("");
  const [chosen, setActive] = useState<number>();
  const entries = useEntries(request, query);
  // Enter takes the first that may be added.
  const active = chosen ?? Math.max(0, entries.findIndex((entry) => !entry.taken));
  const model = useDefaultModel();
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector('[data-active="true"]')?.scrollIntoView({ block: "nearest" });
  });
  const leave = () => {
    closePalette();
    const [only] = useStudio.getState().selection;
    if (only) getView()?.focus(only);
  };
  const choose = (entry: Entry | undefined) => {
    if (entry && !entry.taken) addNode({ type: entry.kind.type, title: entry.name, model }, request);
  };
  const keys = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setActive((active + step + entries.length) % Math.max(1, entries.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(entries[active]);
    }
  };
  let group: Category | undefined;
  return (
    <Popover at={request.screen} className="st-palette" label={t("palette.label")} restore={false} onClose={leave} onKeyDown={keys}>
      <label className="st-palette-search">
        <Search size={14} strokeWidth={1.9} aria-hidden />
        <input
          role="combobox"
          aria-expanded
          aria-controls="st-palette-list"
          aria-activedescendant={entries[active] ? `st-kind-${entries[active].kind.type}` : undefined}
          aria-label={t("palette.search")}
          placeholder={t("palette.search")}
          value={query}
          onChange={(e) => {
            setQuery(e.target.value);
            setActive(undefined);
          }}
        />
      </label>
      <div className="st-palette-list" role="listbox" id="st-palette-list" aria-label={t("palette.label")} ref={list}>
        {entries.length === 0 ? <div className="st-empty">{t("palette.nothing", { query })}</div> : null}
        {entries.map((entry, i) => {
          const heading = entry.kind.category === group ? undefined : entry.kind.category;
          group = entry.kind.category;
          return (
            <div key={entry.kind.type}>
              {heading ? <div className="st-palette-group">{t(`categories.${heading}`)}</div> : null}
              <PaletteRow entry={entry} active={i === active} onOver={() => setActive(i)} onChoose={() => choose(entry)} model={model} />
            </div>
          );
        })}
      </div>
    </Popover>
  );
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
      id={`st-kind-${kind.type}`}
      aria-selected={active}
      aria-disabled={taken}
      tabIndex={-1}
      className="st-option"
      data-active={active}
      draggable={!taken}
      onDragStart={(e) => putOnDrag(e.dataTransfer, { type: kind.type, title: name, model })}
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
