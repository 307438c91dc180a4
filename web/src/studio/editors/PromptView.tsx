/** The prompt editor on CodeMirror: variables are chips, `/` and `{` open the picker. */
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useId, useMemo, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { useTranslation } from "react-i18next";
import { asTemplate } from "../model/references";
import { Popover } from "../parts/popover";
import { useStudio } from "../store/studio";
import { useVariables } from "../store/useVariables";
import { Chip } from "./Chip";
import type { PromptEditorProps } from "./PromptEditor";
import { External, type Handlers, promptExtensions, type Trigger } from "./promptExtensions";
import { useVariableRows, VariableList, type VariableRow } from "./VariableList";
import type { VariableGroup } from "../model/variables";

interface Open extends Trigger {
  readonly x: number;
  readonly y: number;
  readonly flipTo: number;
}

const CONTEXT: VariableGroup = {
  scope: "node",
  id: "context",
  title: "",
  kind: "knowledge-retrieval",
  variables: [{ selector: ["context"], type: "string" }],
};

function useChipHosts() {
  const [chips, setChips] = useState<ReadonlyMap<HTMLElement, { readonly key: string; readonly name: string }>>(new Map());
  const count = useRef(0);
  const hosts = useMemo(
    () => ({
      // A variable may stand in a text more than once: its name is no key.
      add: (element: HTMLElement, name: string) => {
        count.current += 1;
        const key = String(count.current);
        queueMicrotask(() => setChips((now) => new Map(now).set(element, { key, name })));
      },
      remove: (element: HTMLElement) =>
        queueMicrotask(() =>
          setChips((now) => {
            const next = new Map(now);
            next.delete(element);
            return next;
          }),
        ),
    }),
    [],
  );
  return { chips, hosts };
}

export function PromptView({ node, label, value, onChange, placeholder, single, types, context, extra }: PromptEditorProps) {
  const { t } = useTranslation("studio");
  const listId = useId();
  const frame = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const [open, setOpen] = useState<Open>();
  const [active, setActive] = useState(0);
  const { chips, hosts } = useChipHosts();
  const readOnly = useStudio((s) => s.preview !== undefined);
  const groups = useVariables(node);
  const all = useMemo(() => [...(extra ?? []), ...(context ? [{ ...CONTEXT, title: t("llm.context") }] : []), ...groups], [extra, context, groups, t]);
  const rows = useVariableRows(all, open?.query ?? "", types);
  const insert = (row: VariableRow) => {
    const editor = view.current;
    if (!editor || !open) return;
    const text = asTemplate(row.variable.selector);
    editor.dispatch({ changes: { from: open.from, to: open.to, insert: text }, selection: { anchor: open.from + text.length } });
    setOpen(undefined);
    editor.focus();
  };
  const latest = useRef<Handlers>(undefined);
  latest.current = {
    onChange,
    onTrigger: (trigger) => {
      const place = trigger ? view.current?.coordsAtPos(trigger.from) : undefined;
      setActive(0);
      setOpen(trigger && place ? { ...trigger, x: place.left, y: place.bottom + 4, flipTo: place.top - 4 } : undefined);
    },
    onKey: (key) => {
      if (!open) return false;
      if (key === "close") setOpen(undefined);
      else if (key === "choose") {
        const row = rows[active];
        if (!row?.fits) {
          setOpen(undefined);
          return false;
        }
        insert(row);
      } else setActive((now) => (now + (key === "down" ? 1 : -1) + rows.length) % Math.max(1, rows.length));
      return true;
    },
  };
  const first = useRef(value);
  useEffect(() => {
    const parent = frame.current;
    if (!parent) return;
    const handlers: Handlers = {
      onChange: (text) => latest.current?.onChange(text),
      // CodeMirror may not be asked for coordinates while it updates.
      onTrigger: (trigger) => void setTimeout(() => latest.current?.onTrigger(trigger), 0),
      onKey: (key) => latest.current?.onKey(key) ?? false,
    };
    const extensions = promptExtensions(hosts, handlers, { label, placeholder: placeholder ?? "", single: Boolean(single), readOnly });
    const editor = new EditorView({ state: EditorState.create({ doc: first.current, extensions }), parent });
    view.current = editor;
    return () => {
      first.current = editor.state.doc.toString();
      editor.destroy();
      view.current = undefined;
    };
  }, [hosts, label, placeholder, single, readOnly]);
  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value }, annotations: External.of(true) });
  }, [value]);
  return (
    <>
      <div ref={frame} className={single ? "st-editor prompt single" : "st-editor prompt"} data-editor={label} />
      {[...chips].map(([element, { key, name }]) => createPortal(<Chip node={node} selector={name.split(".")} />, element, key))}
      {open ? (
        <Popover at={open} className="st-vars" label={t("variables.list")} role="listbox" focus={false} onClose={() => setOpen(undefined)}>
          <VariableList rows={rows} active={active} query={open.query} id={listId} onOver={setActive} onChoose={insert} />
        </Popover>
      ) : null}
    </>
  );
}
