/** A note: text for people. Notes made elsewhere hold rich text; it is shown as text until somebody edits it. */
import { type NodeProps, NodeResizer } from "@xyflow/react";
import { memo, useState } from "react";
import { useTranslation } from "react-i18next";
import { noteText, plainNote } from "../model/note";
import { resize, updateNode } from "../store/actions";
import { useStudio } from "../store/studio";
import type { FlowNode } from "./flow";

export const NoteCard = memo(function NoteCard({ id, data }: NodeProps<FlowNode>) {
  const { t } = useTranslation("studio");
  const { node } = data;
  const selected = useStudio((s) => s.selection.has(id));
  const readOnly = useStudio((s) => s.preview !== undefined);
  const [editing, setEditing] = useState(false);
  const text = noteText(node.data.text);
  const theme = typeof node.data.theme === "string" ? node.data.theme : "yellow";
  return (
    <>
      <NodeResizer
        isVisible={selected && !readOnly}
        minWidth={160}
        minHeight={88}
        lineClassName="st-resize"
        onResizeEnd={(_, box) => resize(id, box, { x: box.x, y: box.y })}
      />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: double click is a short cut for the inspector's field */}
      <div className="st-note" data-theme-name={theme} data-selected={selected} onDoubleClick={() => setEditing(!readOnly)}>
        {editing ? (
          <textarea
            className="nodrag nopan nowheel"
            aria-label={t("note.text")}
            autoFocus
            defaultValue={text}
            onBlur={(e) => {
              setEditing(false);
              if (e.target.value !== text) updateNode(id, { text: plainNote(e.target.value) });
            }}
          />
        ) : (
          <div className="st-note-text">{text || t("note.empty")}</div>
        )}
      </div>
    </>
  );
});
