/** Rows of tools under their providers, and the choice of where they come from. */
import { Wrench } from "lucide-react";
import type { DragEvent } from "react";
import { useTranslation } from "react-i18next";
import { isShut } from "../api";
import { SOURCES, type Source, type ToolRow } from "./toolRows";

interface ListProps {
  readonly rows: readonly ToolRow[];
  readonly active: number;
  readonly onOver: (index: number) => void;
  readonly onChoose: (row: ToolRow) => void;
  /** Makes the rows draggable. */
  readonly onDrag?: (event: DragEvent, row: ToolRow) => void;
  readonly onDragEnd?: () => void;
}

export function ToolList({ rows, active, onOver, onChoose, onDrag, onDragEnd }: ListProps) {
  const { t } = useTranslation("studio");
  let group = "";
  return (
    <>
      {rows.map((row, i) => {
        const at = `${row.provider.type}/${row.provider.id}`;
        const heading = at === group ? undefined : row.source;
        group = at;
        return (
          <div key={row.key}>
            {heading ? (
              <div className="st-palette-group">
                {heading}
                {isShut(row.provider) ? <span className="st-palette-note">{t(row.provider.type === "mcp" ? "tool.notLetIn" : "tool.noKey")}</span> : null}
              </div>
            ) : null}
            <button
              type="button"
              role="option"
              id={`st-tool-${String(i)}`}
              aria-selected={i === active}
              tabIndex={-1}
              className="st-option"
              data-active={i === active}
              draggable={onDrag !== undefined}
              onDragStart={(e) => onDrag?.(e, row)}
              onDragEnd={onDragEnd}
              onPointerMove={() => onOver(i)}
              onClick={() => onChoose(row)}
            >
              <span className="st-tile sm st-cat-connect">
                <Wrench size={12} strokeWidth={2} aria-hidden />
              </span>
              <span className="st-grow">
                {row.name}
                {row.about ? <small className="st-clip">{row.about}</small> : null}
              </span>
            </button>
          </div>
        );
      })}
    </>
  );
}

export function SourceRow({ value, onChange }: { value: Source; onChange: (source: Source) => void }) {
  const { t } = useTranslation("studio");
  return (
    <fieldset className="st-sources" aria-label={t("tool.sources.label")}>
      {SOURCES.map((source) => (
        <button key={source} type="button" aria-pressed={source === value} onClick={() => onChange(source)}>
          {t(`tool.sources.${source}`)}
        </button>
      ))}
    </fieldset>
  );
}
