/** CodeMirror parts of the prompt editor: chips that behave as one character, and the trigger of the picker. */
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { Annotation, EditorState, type Extension, Prec, type Range, RangeSet, StateField, type Transaction } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, keymap, placeholder, WidgetType } from "@codemirror/view";

/** Where the chips are drawn; React fills the elements. */
export interface ChipHosts {
  readonly add: (element: HTMLElement, name: string) => void;
  readonly remove: (element: HTMLElement) => void;
}

/** Marks changes that come from outside (undo, another panel), which must not be reported back. */
export const External = Annotation.define<boolean>();

/** `{{#node.name#}}`, as workflows write it; in forms also `{{#$output.name#}}`. */
const NODE_TOKEN = /\{\{#(\$?[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)#\}\}/;

class ChipWidget extends WidgetType {
  constructor(
    readonly name: string,
    readonly hosts: ChipHosts,
  ) {
    super();
  }
  override eq(other: ChipWidget): boolean {
    return other.name === this.name;
  }
  override toDOM(): HTMLElement {
    const element = document.createElement("span");
    this.hosts.add(element, this.name);
    return element;
  }
  override destroy(element: HTMLElement): void {
    this.hosts.remove(element);
  }
  override ignoreEvent(): boolean {
    return false;
  }
}

function decorate(state: EditorState, hosts: ChipHosts, token: RegExp): DecorationSet {
  const chips: Range<Decoration>[] = [];
  for (const match of state.doc.toString().matchAll(new RegExp(token, "g"))) {
    const name = match[1];
    if (name === undefined) continue;
    const widget = new ChipWidget(name, hosts);
    chips.push(Decoration.replace({ widget }).range(match.index, match.index + match[0].length));
  }
  return RangeSet.of(chips);
}

function chipField(hosts: ChipHosts, token: RegExp): StateField<DecorationSet> {
  return StateField.define<DecorationSet>({
    create: (state) => decorate(state, hosts, token),
    update: (chips, transaction: Transaction) => (transaction.docChanged ? decorate(transaction.state, hosts, token) : chips),
    provide: (field) => [
      EditorView.decorations.from(field),
      EditorView.atomicRanges.of((view) => view.state.field(field, false) ?? Decoration.none),
    ],
  });
}

/** Backspace behind a chip selects it; the second Backspace deletes it. */
function selectChipBefore(token: RegExp): (view: EditorView) => boolean {
  const atEnd = new RegExp(`(?:${token.source})$`);
  return (view) => {
    const { main } = view.state.selection;
    if (!main.empty) return false;
    const chip = atEnd.exec(view.state.sliceDoc(Math.max(0, main.head - 200), main.head));
    if (!chip) return false;
    view.dispatch({ selection: { anchor: main.head - chip[0].length, head: main.head } });
    return true;
  };
}

export interface Trigger {
  readonly from: number;
  readonly to: number;
  readonly query: string;
}

/** Text like `/que` or `{que` before the cursor asks for the picker. A slash inside a word or a URL does not. */
export function triggerAt(state: EditorState): Trigger | undefined {
  const { head, empty } = state.selection.main;
  if (!empty) return undefined;
  const line = state.doc.lineAt(head);
  const before = line.text.slice(0, head - line.from);
  const match = /(?:^|[^\w/:.#}])(\/)([\w.]*)$|(\{{1,2})([\w.]*)$/.exec(before);
  if (!match) return undefined;
  const mark = match[1] ?? match[3] ?? "";
  const query = match[2] ?? match[4] ?? "";
  return { from: head - query.length - mark.length, to: head, query };
}

export interface Handlers {
  readonly onChange: (text: string) => void;
  readonly onTrigger: (trigger: Trigger | undefined) => void;
  /** True if the picker is open and took the key. */
  readonly onKey: (key: "up" | "down" | "choose" | "close") => boolean;
}

export interface Options {
  readonly label: string;
  readonly placeholder: string;
  readonly single: boolean;
  readonly readOnly: boolean;
  /** What is drawn as a chip; its first group is the name. */
  readonly token?: RegExp;
}

export function promptExtensions(hosts: ChipHosts, handlers: Handlers, options: Options): Extension[] {
  const key = (name: "up" | "down" | "choose" | "close") => () => handlers.onKey(name);
  const token = options.token ?? NODE_TOKEN;
  return [
    history(),
    chipField(hosts, token),
    EditorView.lineWrapping,
    placeholder(options.placeholder),
    EditorState.readOnly.of(options.readOnly),
    EditorView.contentAttributes.of({
      "aria-label": options.label,
      "aria-multiline": String(!options.single),
      spellcheck: "true",
      autocapitalize: "off",
    }),
    Prec.highest(
      keymap.of([
        { key: "ArrowUp", run: key("up") },
        { key: "ArrowDown", run: key("down") },
        { key: "Enter", run: key("choose") },
        { key: "Tab", run: key("choose") },
        { key: "Escape", run: key("close") },
        { key: "Backspace", run: selectChipBefore(token) },
        ...(options.single ? [{ key: "Enter", run: () => true }] : []),
      ]),
    ),
    keymap.of([...historyKeymap, ...defaultKeymap.filter((k) => k.key !== "Mod-Enter")]),
    ...(options.single ? [EditorState.transactionFilter.of((tr) => (tr.newDoc.lines > 1 ? [] : tr))] : []),
    EditorView.updateListener.of((update) => {
      if (update.docChanged && !update.transactions.some((tr) => tr.annotation(External))) handlers.onChange(update.state.doc.toString());
      if (update.docChanged || update.selectionSet) {
        const typed = update.transactions.some((tr) => tr.isUserEvent("input") || tr.isUserEvent("delete"));
        handlers.onTrigger(typed ? triggerAt(update.state) : undefined);
      }
      if (update.focusChanged && !update.view.hasFocus) handlers.onTrigger(undefined);
    }),
  ];
}
