/** The code editor on CodeMirror, in the colours of the tokens. */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, StreamLanguage, type StringStream, syntaxHighlighting } from "@codemirror/language";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import { useStudio } from "../store/studio";
import type { CodeEditorProps } from "./CodeEditor";
import { External } from "./promptExtensions";

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.controlKeyword, tags.definitionKeyword, tags.operatorKeyword, tags.bool, tags.null], color: "var(--code-key)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--code-str)" },
  { tag: tags.number, color: "var(--code-num)" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.propertyName], color: "var(--code-fn)" },
  { tag: tags.comment, color: "var(--code-com)" },
]);

/** Jinja inside plain text: comments, statements, expressions. */
const jinja = StreamLanguage.define<{ inside: boolean }>({
  startState: () => ({ inside: false }),
  token(stream: StringStream, state) {
    if (!state.inside) {
      if (stream.match(/^\{#.*?#\}/)) return "comment";
      if (stream.match(/^\{[{%]-?/)) {
        state.inside = true;
        return "keyword";
      }
      if (!stream.skipTo("{")) stream.skipToEnd();
      else if (stream.current() === "") stream.next();
      return null;
    }
    if (stream.match(/^-?[}%]\}/)) {
      state.inside = false;
      return "keyword";
    }
    if (stream.match(/^(['"])(?:\\.|(?!\1).)*\1/)) return "string";
    if (stream.match(/^\d+(\.\d+)?/)) return "number";
    if (stream.match(/^(if|elif|else|endif|for|endfor|in|not|and|or|is|set|endset|macro|endmacro|filter|endfilter|true|false|none)\b/)) return "keyword";
    if (stream.match(/^\w+/)) return "propertyName";
    stream.next();
    return null;
  },
});

function languageOf(name: CodeEditorProps["language"]): Extension {
  if (name === "javascript") return javascript();
  if (name === "python") return [python(), indentUnit.of("    ")];
  if (name === "json") return json();
  return name === "jinja" ? jinja : [];
}

export function CodeView({ label, language, value, onChange }: CodeEditorProps) {
  const frame = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const report = useRef(onChange);
  report.current = onChange;
  const first = useRef(value);
  const readOnly = useStudio((s) => s.preview !== undefined);
  useEffect(() => {
    const parent = frame.current;
    if (!parent) return;
    const extensions = [
      lineNumbers(),
      history(),
      indentOnInput(),
      bracketMatching(),
      closeBrackets(),
      autocompletion(),
      languageOf(language),
      syntaxHighlighting(colours),
      EditorState.readOnly.of(readOnly),
      EditorView.contentAttributes.of({ "aria-label": label }),
      // Esc then Tab leaves the editor: the documented way out for keyboards.
      keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap.filter((k) => k.key !== "Mod-Enter"), indentWithTab]),
      EditorView.updateListener.of((update) => {
        if (update.docChanged && !update.transactions.some((tr) => tr.annotation(External))) report.current(update.state.doc.toString());
      }),
    ];
    const editor = new EditorView({ state: EditorState.create({ doc: first.current, extensions }), parent });
    view.current = editor;
    return () => {
      first.current = editor.state.doc.toString();
      editor.destroy();
      view.current = undefined;
    };
  }, [language, label, readOnly]);
  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value }, annotations: External.of(true) });
  }, [value]);
  return <div ref={frame} className="st-editor code" data-editor={label} />;
}
