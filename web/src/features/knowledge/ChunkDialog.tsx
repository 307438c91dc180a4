/** One chunk: its text, its answer, its keywords, its children. */
import { useQuery } from "@tanstack/react-query";
import { Check, Pencil, Plus, Trash2, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { Badge } from "../../ui/Marks";
import { addChild, addSegment, changeChild, changeSegment, childList, deleteChild, type SegmentFields, useKnowledgeChange } from "./api";
import { Pictures } from "./Pictures";
import { Choice } from "./SplitForm";
import { isBeingSummarised, MAX_PROMPT } from "./summary";
import type { ChildChunk, DocumentDetail, Segment } from "./types";

interface Props {
  readonly datasetId: string;
  readonly doc: DocumentDetail;
  /** Nothing for a new one. */
  readonly segment: Segment | undefined;
  readonly edit: boolean;
  /** Chunks here can have summaries. */
  readonly summarised: boolean;
  readonly onClose: () => void;
}

export const MAX_KEYWORDS = 10;

export function keywordsOf(text: string): string[] {
  return [...new Set(text.split(/[,，\n]/).map((word) => word.trim()))].filter(Boolean).slice(0, MAX_KEYWORDS);
}

export function ChunkDialog({ datasetId, doc, segment, edit, summarised, onClose }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const qa = doc.doc_form === "qa_model";
  const parents = doc.doc_form === "hierarchical_model";
  const rule = doc.document_process_rule ?? doc.dataset_process_rule;
  // A parent that is the whole document is what the file says: only its children are edited.
  const whole = parents && rule?.rules?.parent_mode === "full-doc";
  const [content, setContent] = useState(segment?.content ?? "");
  const [answer, setAnswer] = useState(segment?.answer ?? "");
  const [keywords, setKeywords] = useState((segment?.keywords ?? []).join(", "));
  const told = segment?.summary ?? "";
  const [summary, setSummary] = useState(told);
  const [anew, setAnew] = useState(false);
  const [asked, setAsked] = useState(false);
  const save = useKnowledgeChange((fields: SegmentFields) =>
    segment ? changeSegment(datasetId, doc.id, segment.id, fields) : addSegment(datasetId, doc.id, fields),
  );
  const writable = edit && !(whole && segment) && (segment === undefined || segment.enabled);
  const submit = () => {
    setAsked(true);
    if (content.trim() === "" || (qa && answer.trim() === "")) return;
    save.mutate(
      {
        content,
        ...(qa ? { answer } : {}),
        ...(parents ? {} : { keywords: keywordsOf(keywords) }),
        ...(parents && segment && anew ? { regenerate_child_chunks: true } : {}),
        ...(summarised && segment && summary.trim() !== told ? { summary: summary.trim() } : {}),
      },
      {
        onSuccess: () => {
          toast(t("chunk.saved"));
          onClose();
        },
      },
    );
  };
  const empty = (text: string, code: string) => (asked && text.trim() === "" ? t(`chunk.need.${code}`) : undefined);
  return (
    <Dialog
      open
      size="lg"
      title={segment ? t("chunks.number", { number: segment.position }) : t("chunks.add")}
      about={segment && !segment.enabled ? t("chunk.off") : whole && segment ? t("chunk.whole") : undefined}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        writable ? (
          <>
            {save.error ? (
              <span className="wrong flex-1" role="alert">
                {messageOf(save.error)}
              </span>
            ) : (
              <span className="flex-1 text-12 text-ink-3 num">{t("units.chars", { count: content.length + (qa ? answer.length : 0) })}</span>
            )}
            <Button onClick={onClose}>{c("common.cancel")}</Button>
            <Button kind="primary" keys="mod+enter" busy={save.isPending} onClick={submit}>
              {c("common.save")}
            </Button>
          </>
        ) : null
      }
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys of the fields inside */}
      <div
        className="flex flex-col gap-4"
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.metaKey || event.ctrlKey) || !writable) return;
          event.preventDefault();
          submit();
        }}
      >
        <Field label={t(qa ? "chunk.question" : "chunk.text")} error={empty(content, qa ? "question" : "text")}>
          <Textarea rows={qa ? 3 : 10} readOnly={!writable} value={content} onChange={(event) => setContent(event.target.value)} />
        </Field>
        <Pictures files={segment?.attachments} />
        {qa ? (
          <Field label={t("chunk.answer")} error={empty(answer, "answer")}>
            <Textarea rows={6} readOnly={!writable} value={answer} onChange={(event) => setAnswer(event.target.value)} />
          </Field>
        ) : null}
        {summarised && segment ? (
          <Field
            label={t("summary.one")}
            optional={c("common.optional")}
            hint={t(isBeingSummarised(segment) ? "summary.making" : "summary.oneHint")}
            error={segment.summary_error ? t("summary.failed", { text: segment.summary_error }) : undefined}
          >
            <Textarea rows={3} maxLength={MAX_PROMPT} readOnly={!writable} value={summary} onChange={(event) => setSummary(event.target.value)} />
          </Field>
        ) : null}
        {parents ? null : (
          <Field label={t("chunk.keywords")} optional={c("common.optional")} hint={t("chunk.keywordsHint", { count: MAX_KEYWORDS })}>
            <Input value={keywords} readOnly={!writable} onChange={(event) => setKeywords(event.target.value)} />
          </Field>
        )}
        {parents && segment && writable && content !== segment.content ? <Choice label={t("chunk.anew")} checked={anew} onChange={setAnew} /> : null}
        {parents && segment ? <Children datasetId={datasetId} documentId={doc.id} segment={segment} edit={edit && segment.enabled} /> : null}
      </div>
    </Dialog>
  );
}

function Children({ datasetId, documentId, segment, edit }: { datasetId: string; documentId: string; segment: Segment; edit: boolean }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const list = useQuery(childList(datasetId, documentId, segment.id));
  const [editing, setEditing] = useState<{ readonly id: string | undefined; readonly text: string }>();
  const fail = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const save = useKnowledgeChange(({ id, text }: { id: string | undefined; text: string }) =>
    id === undefined ? addChild(datasetId, documentId, segment.id, text) : changeChild(datasetId, documentId, segment.id, id, text),
  );
  const drop = useKnowledgeChange((id: string) => deleteChild(datasetId, documentId, segment.id, id));
  const rows = list.data?.data ?? segment.child_chunks ?? [];
  const finish = () => {
    if (!editing || editing.text.trim() === "") return;
    save.mutate(editing, { onSuccess: () => setEditing(undefined), onError: fail });
  };
  const field = (label: string) => (
    <div className="flex items-start gap-1.5 flex-1 min-w-0">
      <Textarea
        autoFocus
        rows={3}
        aria-label={label}
        value={editing?.text ?? ""}
        onChange={(event) => setEditing((now) => (now ? { ...now, text: event.target.value } : now))}
        className="flex-1"
      />
      <IconButton size="sm" icon={Check} label={c("common.save")} busy={save.isPending} onClick={finish} />
      <IconButton size="sm" icon={X} label={c("common.cancel")} onClick={() => setEditing(undefined)} />
    </div>
  );
  const row = (child: ChildChunk, index: number) => (
    <li key={child.id} className="kb-child items-start">
      <span className="text-ink-3 num">C{index + 1}</span>
      {editing?.id === child.id ? (
        field(t("chunk.child", { number: index + 1 }))
      ) : (
        <>
          <span className="kb-text flex-1">
            {child.content} {child.type === "customized" ? <Badge>{t("chunks.edited")}</Badge> : null}
          </span>
          {edit ? (
            <>
              <IconButton
                size="sm"
                icon={Pencil}
                label={t("chunk.editChild", { number: index + 1 })}
                onClick={() => setEditing({ id: child.id, text: child.content })}
              />
              <IconButton
                size="sm"
                icon={Trash2}
                label={t("chunk.deleteChild", { number: index + 1 })}
                busy={drop.isPending}
                onClick={() => drop.mutate(child.id, { onError: fail })}
              />
            </>
          ) : null}
        </>
      )}
    </li>
  );
  return (
    <section>
      <div className="flex items-center mb-1.5">
        <h3 className="lbl flex-1">{t("chunk.children", { count: list.data?.total ?? rows.length })}</h3>
        {edit ? (
          <Button size="sm" kind="quiet" icon={Plus} onClick={() => setEditing({ id: undefined, text: "" })}>
            {t("chunk.addChild")}
          </Button>
        ) : null}
      </div>
      {list.error ? (
        <div className="wrong" role="alert">
          {messageOf(list.error)}
        </div>
      ) : null}
      <ul className="flex flex-col gap-2">
        {rows.map(row)}
        {editing && editing.id === undefined ? <li className="kb-child items-start">{field(t("chunk.addChild"))}</li> : null}
      </ul>
    </section>
  );
}
