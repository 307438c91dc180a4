/** The list of variables under a field or in a prompt: search, types, last values. */
import { type RefObject, useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { type AvailableVariable, fits, flatten, nameAt, type VariableGroup } from "../model/variables";
import { kindOf } from "../nodes/registry";
import { lastValue } from "../store/useVariables";
import { ragSource, scopeIcon } from "./Chip";

export interface VariableRow {
  readonly group: VariableGroup;
  readonly variable: AvailableVariable;
  readonly source: string;
  readonly path: string;
  readonly fits: boolean;
}

/** Rows that match the query; those of the wrong type come last and cannot be chosen. */
export function useVariableRows(groups: readonly VariableGroup[], query: string, wanted?: readonly string[]): VariableRow[] {
  const { t } = useTranslation("studio");
  return useMemo(() => {
    const needle = query.trim().toLocaleLowerCase();
    const rows = flatten(groups).map(({ group, variable }) => ({
      group,
      variable,
      source: group.scope === "rag" ? ragSource(t, group.title) : group.title || t(`scopes.${group.scope}`),
      path: variable.selector.slice(nameAt(variable.selector)).join("."),
      fits: fits(variable.type, wanted),
    }));
    const matching = rows.filter((row) => {
      const deep = row.variable.selector.length > nameAt(row.variable.selector) + 1;
      if (!needle) return !deep;
      return `${row.source} ${row.path}`.toLocaleLowerCase().includes(needle);
    });
    const rank = (row: VariableRow) => {
      const path = row.path.toLocaleLowerCase();
      return (row.fits ? 0 : 4) + (path.startsWith(needle) ? 0 : path.includes(needle) ? 1 : 2);
    };
    return needle ? matching.toSorted((a, b) => rank(a) - rank(b)) : [...matching.filter((r) => r.fits), ...matching.filter((r) => !r.fits)];
  }, [groups, query, wanted, t]);
}

interface Props {
  readonly rows: readonly VariableRow[];
  readonly active: number;
  readonly query: string;
  readonly id: string;
  readonly onOver: (index: number) => void;
  readonly onChoose: (row: VariableRow) => void;
}

function Marked({ text, query }: { text: string; query: string }) {
  const at = query ? text.toLocaleLowerCase().indexOf(query.toLocaleLowerCase()) : -1;
  if (at < 0) return <>{text}</>;
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + query.length)}</mark>
      {text.slice(at + query.length)}
    </>
  );
}

function useScrollToActive(list: RefObject<HTMLDivElement | null>, active: number): void {
  useEffect(() => {
    list.current?.querySelector(`[data-index="${active}"]`)?.scrollIntoView({ block: "nearest" });
  }, [list, active]);
}

export function VariableList({ rows, active, query, id, onOver, onChoose }: Props) {
  const { t } = useTranslation("studio");
  const list = useRef<HTMLDivElement>(null);
  useScrollToActive(list, active);
  const now = rows[active];
  const value = now ? lastValue(now.variable.selector) : undefined;
  return (
    <>
      <div className="st-vars-list" role="listbox" id={id} aria-label={t("variables.list")} ref={list}>
        {rows.length === 0 ? <div className="st-empty">{query ? t("variables.noMatch", { query }) : t("variables.none")}</div> : null}
        {rows.map((row, i) => {
          const Icon = scopeIcon(row.group.scope) ?? kindOf(row.group.kind).icon;
          const category = row.group.scope === "node" ? kindOf(row.group.kind).category : "flow";
          return (
            <button
              key={row.variable.selector.join(".")}
              id={`${id}-${i}`}
              data-index={i}
              type="button"
              role="option"
              aria-selected={i === active}
              aria-disabled={!row.fits}
              tabIndex={-1}
              className="st-option"
              data-active={i === active}
              onPointerMove={() => onOver(i)}
              onMouseDown={(e) => e.preventDefault()}
              onClick={() => row.fits && onChoose(row)}
            >
              <span className={`st-tile sm st-cat-${category}`}>
                <Icon size={12} strokeWidth={2} aria-hidden />
              </span>
              <span className="st-clip">
                {row.source} / <span className="st-mono"><Marked text={row.path} query={query} /></span>
              </span>
              <span className="st-line-right">{t(`types.${row.variable.type}`, { defaultValue: row.variable.type })}</span>
            </button>
          );
        })}
      </div>
      <div className="st-vars-foot">
        <span className="st-grow st-clip" role="status">
          {value === undefined ? t("variables.count", { count: rows.length }) : t("variables.lastValue", { value })}
        </span>
        <kbd className="st-key">↵</kbd>
      </div>
    </>
  );
}
