/** One annotation: its question and answer, and where it was used. */
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { type AnnotationFields, deleteAnnotations, hitList, saveAnnotation, useAnnotationChange } from "../../data/annotations";
import { useFormat } from "../../lib/format";
import { HttpError, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Confirm, Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Textarea } from "../../ui/Input";
import { Segmented } from "../../ui/Segmented";
import { SkeletonRows } from "../../ui/States";
import { Checkbox } from "../../ui/Switch";

interface Props {
  readonly appId: string;
  /** The one that is changed; undefined adds one. */
  readonly id: string | undefined;
  readonly start: { readonly question: string; readonly answer: string };
  /** The message it is made from. */
  readonly messageId?: string;
  readonly onClose: () => void;
}

export function AnnotationDialog({ appId, id, start, messageId, onClose }: Props) {
  const { t } = useTranslation("annotations");
  const { t: c } = useTranslation();
  const form = useId();
  const more = useId();
  const [question, setQuestion] = useState(start.question);
  const [answer, setAnswer] = useState(start.answer);
  const [checked, setChecked] = useState(false);
  const [another, setAnother] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const [tab, setTab] = useState<"text" | "hits">("text");
  const save = useAnnotationChange(appId, (fields: AnnotationFields) => saveAnnotation(appId, id, fields));
  const drop = useAnnotationChange(appId, () => deleteAnnotations(appId, id === undefined ? [] : [id]));
  const field = save.error instanceof HttpError ? save.error.field : undefined;
  const missing = (name: "question" | "answer", text: string) =>
    checked && text.trim() === "" ? t(`need.${name}`) : field === name && save.error ? messageOf(save.error) : undefined;
  const submit = () => {
    setChecked(true);
    if (question.trim() === "" || answer.trim() === "") return;
    save.mutate(
      { question, answer, ...(messageId ? { message_id: messageId } : {}) },
      {
        onSuccess: () => {
          toast(t("saved"));
          if (!another) return onClose();
          setQuestion("");
          setAnswer("");
          setChecked(false);
        },
      },
    );
  };
  return (
    <Dialog
      open
      title={t(id ? "edit" : messageId ? "annotate" : "add")}
      about={messageId && !id ? t("annotateAbout") : undefined}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          {id ? (
            <Button kind="danger" onClick={() => setDeleting(true)}>
              {c("common.delete")}
            </Button>
          ) : messageId ? null : (
            <span className="flex items-center gap-2">
              <Checkbox id={more} checked={another} onChange={setAnother} />
              <label htmlFor={more}>{t("another")}</label>
            </span>
          )}
          <span className="flex-1" />
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form} busy={save.isPending} disabled={tab === "hits"}>
            {c("common.save")}
          </Button>
        </>
      }
    >
      {id ? (
        <div className="pb-3">
          <Segmented
            label={t("parts")}
            value={tab}
            onChange={setTab}
            segments={[
              { value: "text", label: t("part.text") },
              { value: "hits", label: t("part.hits") },
            ]}
          />
        </div>
      ) : null}
      {tab === "hits" && id ? (
        <Hits appId={appId} id={id} />
      ) : (
        <form
          id={form}
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <Field label={t("question")} error={missing("question", question)}>
            <Textarea rows={3} value={question} onChange={(event) => setQuestion(event.target.value)} />
          </Field>
          <Field label={t("answer")} error={missing("answer", answer)}>
            <Textarea rows={8} value={answer} onChange={(event) => setAnswer(event.target.value)} />
          </Field>
          {save.error && field !== "question" && field !== "answer" ? (
            <div className="wrong" role="alert">
              {messageOf(save.error)}
            </div>
          ) : null}
        </form>
      )}
      <Confirm
        open={deleting}
        title={t("deleteTitle", { count: 1 })}
        text={t("deleteText")}
        confirm={c("common.delete")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setDeleting(false)}
        onConfirm={() =>
          drop.mutate(undefined, {
            onSuccess: onClose,
            onError: (error) => {
              setDeleting(false);
              toast.error(c("common.failed", { message: messageOf(error) }));
            },
          })
        }
      />
    </Dialog>
  );
}

/** The questions that it answered, newest first. */
function Hits({ appId, id }: { appId: string; id: string }) {
  const { t } = useTranslation("annotations");
  const { t: c } = useTranslation();
  const format = useFormat();
  const hits = useQuery(hitList(appId, id));
  if (hits.isPending) return <SkeletonRows rows={4} height={48} slow={c("common.slow")} label={c("common.loading")} />;
  if (hits.error) {
    return (
      <div className="wrong" role="alert">
        {messageOf(hits.error)}
      </div>
    );
  }
  if (hits.data.data.length === 0) return <p className="py-8 text-center text-ink-3">{t("hits.none")}</p>;
  return (
    <>
      <ul className="flex flex-col">
        {hits.data.data.map((hit) => (
          <li key={hit.id} className="flex flex-col gap-0.5 py-2 border-b border-line-1 last:border-b-0">
            <span className="font-medium wrap-anywhere">{hit.question}</span>
            <span className="text-12 text-ink-3 num">
              {t("hits.about", {
                score: format.number(Math.round(hit.score * 1000) / 1000),
                source: t(`hits.source.${hit.source}`, { defaultValue: hit.source }),
                time: format.dateTime(hit.created_at),
              })}
            </span>
            <span className="text-12 text-ink-2 wrap-anywhere">{t("hits.matched", { text: hit.match })}</span>
          </li>
        ))}
      </ul>
      {hits.data.has_more ? <p className="hint pt-2">{t("hits.more", { count: hits.data.total })}</p> : null}
    </>
  );
}
