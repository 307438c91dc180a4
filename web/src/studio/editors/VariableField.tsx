/** A field that holds one variable. */
import { ChevronDown, X } from "lucide-react";
import { type KeyboardEvent, useId, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Selector } from "../model/references";
import type { VariableGroup, VariableType } from "../model/variables";
import { Popover } from "../parts/popover";
import { IconButton } from "../parts/controls";
import { useVariables } from "../store/useVariables";
import { Chip } from "./Chip";
import { useVariableRows, VariableList, type VariableRow } from "./VariableList";

interface Props {
  readonly node: string;
  readonly label: string;
  readonly value: Selector;
  readonly onChange: (selector: string[], type: VariableType) => void;
  readonly types?: readonly VariableType[];
  readonly onClear?: () => void;
  /** Offers what a container holds. */
  readonly inside?: boolean;
  /** Offers only these groups. */
  readonly only?: (group: VariableGroup) => boolean;
}

export function VariableField({ node, label, value, onChange, types, onClear, inside, only }: Props) {
  const { t } = useTranslation("studio");
  const [at, setAt] = useState<{ x: number; y: number; flipTo: number }>();
  const chosen = value.length > 1;
  return (
    <div className="st-row">
      <button
        type="button"
        className="st-pick"
        aria-haspopup="listbox"
        aria-expanded={at !== undefined}
        onClick={(e) => {
          const box = e.currentTarget.getBoundingClientRect();
          setAt({ x: box.left, y: box.bottom + 4, flipTo: box.top - 4 });
        }}
      >
        <span className="st-sr">{`${label}: `}</span>
        {chosen ? <Chip node={node} selector={value} /> : t("variables.choose")}
        <ChevronDown size={14} strokeWidth={1.9} aria-hidden />
      </button>
      {chosen && onClear ? <IconButton label={t("variables.clear", { name: label })} icon={X} onClick={onClear} /> : null}
      {at ? (
        <VariablePopover
          node={node}
          at={at}
          types={types}
          label={label}
          inside={inside}
          only={only}
          onClose={() => setAt(undefined)}
          onChoose={(row) => {
            setAt(undefined);
            onChange([...row.variable.selector], row.variable.type);
          }}
        />
      ) : null}
    </div>
  );
}

interface PopoverProps {
  readonly node: string;
  readonly at: { x: number; y: number; flipTo: number };
  readonly types: readonly VariableType[] | undefined;
  readonly label: string;
  readonly inside?: boolean;
  readonly only?: (group: VariableGroup) => boolean;
  readonly onClose: () => void;
  readonly onChoose: (row: VariableRow) => void;
}

export function VariablePopover({ node, at, types, label, inside, only, onClose, onChoose }: PopoverProps) {
  const { t } = useTranslation("studio");
  const id = useId();
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const groups = useVariables(node, inside);
  const offered = useMemo(() => (only ? groups.filter(only) : groups), [groups, only]);
  const rows = useVariableRows(offered, query, types);
  const keys = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setActive((now) => (now + step + rows.length) % Math.max(1, rows.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      const row = rows[active];
      if (row?.fits) onChoose(row);
    }
  };
  return (
    <Popover at={at} className="st-vars" label={label} onClose={onClose} onKeyDown={keys}>
      <div className="st-palette-search">
        <input
          role="combobox"
          aria-expanded
          aria-controls={id}
          aria-activedescendant={rows[active] ? `${id}-${active}` : undefined}
          aria-label={t("variables.search")}
          placeholder={t("variables.search")}
          value={query}
          onChange={(e) => {
            setQuery(e.target.value);
            setActive(0);
          }}
        />
      </div>
      <VariableList rows={rows} active={active} query={query} id={id} onOver={setActive} onChoose={onChoose} />
    </Popover>
  );
}
