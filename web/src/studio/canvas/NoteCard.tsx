/** A note: text for people, in one of six colours. Double click or Enter writes; marks as in Markdown. */
import { type NodeProps, NodeResizer, NodeToolbar, Position } from "@xyflow/react";
import { Pencil, Trash2, UserRound } from "lucide-react";
import { type KeyboardEvent, memo, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { type NoteLine, noteLines, noteText, storedNote } from "../model/note";
import { remove, resize, updateNode } from "../store/actions";
import { useStudio } from "../store/studio";
import type { FlowNode } from "./flow";

const THEMES = ["blue", "cyan", "green", "yellow", "pink", "violet"];

export const NoteCard = memo(function NoteCard({ id, data }: NodeProps<FlowNode>) {
  const { t } = useTranslation("studio");
  const { node } = data;
  const selected = useStudio((s) => s.selection.has(id));
  const only = useStudio((s) => s.selection.size === 1 && s.selection.has(id));
  const readOnly = useStudio((s) => s.preview !== undefined);
  const [editing, setEditing] = useState(false);
  const text = noteText(node.data.text);
  const theme = typeof node.data.theme === "string" ? node.data.theme : "yellow";
  const author = node.data.showAuthor && typeof node.data.author === "string" ? node.data.author : "";
  const finish = (next: string) => {
    setEditing(false);
    if (next !== text) updateNode(id, { text: storedNote(next) });
  };
  const keys = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    finish(event.currentTarget.value);
  };
  return (
    <>
      <NodeResizer isVisible={selected && !readOnly} minWidth={160} minHeight={88} lineClassName="st-resize" onResizeEnd={(_, box) => resize(id, box, { x: box.x, y: box.y })} />
      <NodeToolbar isVisible={only && !readOnly} position={Position.Top} offset={8}>
        <div className="st-float st-note-tools" role="toolbar" aria-label={t("note.label")}>
          {THEMES.map((name) => (
            <button key={name} type="button" className="st-swatch" data-theme-name={name} aria-pressed={name === theme} aria-label={t(`note.themes.${name}`)} title={t(`note.themes.${name}`)} onClick={() => updateNode(id, { theme: name })} />
          ))}
          <span className="st-rule" />
          <button type="button" className="st-tool" aria-label={t("note.edit")} title={t("note.edit")} onClick={() => setEditing(true)}>
            <Pencil size={14} strokeWidth={1.9} aria-hidden />
          </button>
          {typeof node.data.author === "string" && node.data.author ? (
            <button type="button" className="st-tool" aria-pressed={Boolean(node.data.showAuthor)} aria-label={t("note.author")} title={t("note.author")} onClick={() => updateNode(id, { showAuthor: !node.data.showAuthor })}>
              <UserRound size={14} strokeWidth={1.9} aria-hidden />
            </button>
          ) : null}
          <button type="button" className="st-tool" aria-label={t("common.delete")} title={t("common.delete")} onClick={() => remove([id])}>
            <Trash2 size={14} strokeWidth={1.9} aria-hidden />
          </button>
        </div>
      </NodeToolbar>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: double click is a short cut for the button above */}
      <div className="st-note" data-theme-name={theme} data-selected={selected} onDoubleClick={() => setEditing(!readOnly)}>
        {editing ? (
          <textarea className="nodrag nopan nowheel" aria-label={t("note.text")} placeholder={t("note.marks")} autoFocus defaultValue={text} onKeyDown={keys} onBlur={(e) => finish(e.target.value)} />
        ) : (
          <div className="st-note-text">{text ? <NoteBody stored={node.data.text} /> : t("note.empty")}</div>
        )}
        {author ? <div className="st-note-author">{author}</div> : null}
      </div>
    </>
  );
});

function NoteBody({ stored }: { stored: unknown }) {
  return (
    <>
      {noteLines(stored).map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity but their place
        <div key={i} className={line.item ? "st-note-item" : undefined}>
          <LineRuns line={line} />
        </div>
      ))}
    </>
  );
}

function LineRuns({ line }: { line: NoteLine }) {
  if (line.runs.length === 0) return <br />;
  return (
    <>
      {line.runs.map((run, i) => {
        let part: ReactNode = run.text;
        if (run.format & 4) part = <s>{part}</s>;
        if (run.format & 2) part = <em>{part}</em>;
        if (run.format & 1) part = <b>{part}</b>;
        // biome-ignore lint/suspicious/noArrayIndexKey: runs have no identity but their place
        return <span key={i}>{run.url ? <a className="nodrag nopan" href={run.url} target="_blank" rel="noreferrer">{part}</a> : part}</span>;
      })}
    </>
  );
}
