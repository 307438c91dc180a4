/** CodeMirror with chips for `{{name}}`; `/` and `{` open the list of the form's variables. */
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useId, useImperativeHandle, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { External, type Handlers, promptExtensions, type Trigger } from "../../studio/editors/promptExtensions";
import type { FormField } from "./model";
import type { PromptBoxProps } from "./PromptBox";

const TOKEN = /\{\{\s*([A-Za-z_][A-Za-z0-9_]{0,29})\s*\}\}/;

interface Open extends Trigger {
  readonly x: number;
  readonly y: number;
}

/** Fields whose name or label holds what was typed; those that begin with it first. */
export function matchingFields(fields: readonly FormField[], query: string): FormField[] {
  const needle = query.toLocaleLowerCase();
  const rank = (field: FormField) => (field.variable.toLocaleLowerCase().startsWith(needle) ? 0 : 1);
  return fields.filter((f) => `${f.variable} ${f.label}`.toLocaleLowerCase().includes(needle)).toSorted((a, b) => rank(a) - rank(b));
}

function paint(element: HTMLElement, name: string, known: boolean, source: string, lost: string): void {
  element.className = "chip";
  element.dataset.lost = String(!known);
  element.title = known ? "" : lost;
  const from = document.createElement("span");
  from.className = "chip-source";
  from.textContent = known ? source : lost;
  element.replaceChildren(from, ` / ${name}`);
}

export function PromptBoxView({ label, placeholder, value, fields, onChange, ref }: PromptBoxProps) {
  const { t } = useTranslation("basic");
  const listId = useId();
  const frame = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const [open, setOpen] = useState<Open>();
  const [active, setActive] = useState(0);
  const rows = useMemo(() => (open ? matchingFields(fields, open.query) : []), [fields, open]);
  const chips = useRef(new Map<HTMLElement, string>());
  const dress = useRef<(element: HTMLElement, name: string) => void>(() => undefined);
  dress.current = (element, name) =>
    paint(
      element,
      name,
      fields.some((f) => f.variable === name),
      t("instructions.source"),
      t("instructions.lost"),
    );
  // biome-ignore lint/correctness/useExhaustiveDependencies: the chips show which fields there are
  useEffect(() => {
    for (const [element, name] of chips.current) dress.current(element, name);
  }, [fields, t]);

  const put = (name: string, from: number, to: number) => {
    const editor = view.current;
    if (!editor) return;
    const text = `{{${name}}}`;
    editor.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + text.length } });
    setOpen(undefined);
    editor.focus();
  };
  useImperativeHandle(ref, () => ({
    insert: (name) => {
      const at = view.current?.state.selection.main;
      if (at) put(name, at.from, at.to);
    },
  }));
  const latest = useRef<Handlers>(undefined);
  latest.current = {
    onChange,
    onTrigger: (trigger) => {
      const place = trigger && fields.length > 0 ? view.current?.coordsAtPos(trigger.from) : undefined;
      setActive(0);
      setOpen(trigger && place ? { ...trigger, x: place.left, y: place.bottom + 4 } : undefined);
    },
    onKey: (key) => {
      if (!open || rows.length === 0) return false;
      if (key === "close") setOpen(undefined);
      else if (key === "choose") {
        const row = rows[active];
        if (row) put(row.variable, open.from, open.to);
      } else setActive((now) => (now + (key === "down" ? 1 : -1) + rows.length) % rows.length);
      return true;
    },
  };
  const first = useRef(value);
  useEffect(() => {
    const parent = frame.current;
    if (!parent) return;
    const known = chips.current;
    const handlers: Handlers = {
      onChange: (text) => latest.current?.onChange(text),
      // CodeMirror may not be asked for coordinates while it updates.
      onTrigger: (trigger) => void setTimeout(() => latest.current?.onTrigger(trigger), 0),
      onKey: (key) => latest.current?.onKey(key) ?? false,
    };
    const hosts = {
      add: (element: HTMLElement, name: string) => {
        known.set(element, name);
        dress.current(element, name);
      },
      remove: (element: HTMLElement) => void known.delete(element),
    };
    const options = { label, placeholder, single: false, readOnly: false, token: TOKEN };
    const editor = new EditorView({ state: EditorState.create({ doc: first.current, extensions: promptExtensions(hosts, handlers, options) }), parent });
    view.current = editor;
    return () => {
      first.current = editor.state.doc.toString();
      editor.destroy();
      view.current = undefined;
    };
  }, [label, placeholder]);
  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value }, annotations: External.of(true) });
  }, [value]);
  return (
    <>
      <div ref={frame} className="promptbox" />
      {open && rows.length > 0 ? (
        <div role="listbox" id={listId} aria-label={t("instructions.insert")} className="menu fixed" style={{ left: open.x, top: open.y, maxHeight: 240 }}>
          {rows.map((field, i) => (
            <button
              key={field.variable}
              type="button"
              role="option"
              aria-selected={i === active}
              tabIndex={-1}
              className="menu-row"
              data-selected={i === active}
              onPointerMove={() => setActive(i)}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => put(field.variable, open.from, open.to)}
            >
              <span className="chip">{field.variable}</span>
              <span className="flex-1 truncate text-ink-2">{field.label === field.variable ? "" : field.label}</span>
              <span className="text-11 text-ink-3">{t(`types.${field.type}`, { defaultValue: field.type })}</span>
            </button>
          ))}
        </div>
      ) : null}
    </>
  );
}
