/** One question and the documents it should find. */
import { useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { documentList, useKnowledgeChange } from "./api";
import { addQuestions, changeQuestion, type Expected, formOf, type Question } from "./evaluation";

const SHOWN = 6;

export function QuestionDialog({ datasetId, question, onClose }: { datasetId: string; question?: Question; onClose: () => void }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const [text, setText] = useState(question?.question ?? "");
  const [expected, setExpected] = useState<readonly Expected[]>(question?.expected ?? []);
  const [words, setWords] = useState("");
  const keyword = useDeferredValue(words.trim());
  const documents = useQuery(documentList(datasetId, { page: 1, q: keyword || undefined }));
  const save = useKnowledgeChange(async () => {
    const form = { question: text.trim(), expected: formOf(expected) };
    if (question) await changeQuestion(datasetId, question.id, form);
    else await addQuestions(datasetId, [form], "manual");
  });
  const submit = () => (text.trim() === "" ? undefined : save.mutate(undefined, { onSuccess: onClose }));
  const free = (documents.data?.data ?? []).filter((doc) => !expected.some((one) => one.document_id === doc.id && one.segment_id === null));
  return (
    <Dialog
      open
      title={t(question ? "evaluation.editTitle" : "evaluation.add")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" busy={save.isPending} disabled={text.trim() === ""} onClick={submit}>
            {c("common.save")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t("test.question")} error={save.error ? messageOf(save.error) : undefined}>
          <Textarea rows={2} maxLength={2000} value={text} placeholder={t("test.placeholder")} onChange={(event) => setText(event.target.value)} />
        </Field>
        <div className="flex flex-col gap-1.5">
          <span className="lbl">{t("evaluation.expected")}</span>
          <span className="hint">{t("evaluation.expectedHint")}</span>
          <ul className="flex flex-col gap-1" aria-label={t("evaluation.expected")}>
            {expected.map((one) => (
              <li key={`${one.document_id} ${one.segment_id ?? ""}`} className="flex items-center gap-2 px-2 rounded-sm bg-surface-2">
                <span className="flex-1 truncate">
                  {one.document_name ?? t("evaluation.gone")}
                  {one.segment_id === null ? "" : ` #${one.position ?? "?"}`}
                </span>
                <IconButton
                  size="sm"
                  icon={X}
                  label={t("evaluation.takeOut", { name: one.document_name ?? t("evaluation.gone") })}
                  onClick={() => setExpected(expected.filter((other) => other !== one))}
                />
              </li>
            ))}
          </ul>
        </div>
        <div className="flex flex-col gap-1.5">
          <Field label={t("documents.search")}>
            <Input value={words} onChange={(event) => setWords(event.target.value)} />
          </Field>
          {documents.error ? (
            <div className="wrong" role="alert">
              {messageOf(documents.error)}
            </div>
          ) : (
            <ul className="flex flex-col" aria-label={t("documents.list")} aria-busy={documents.isFetching}>
              {free.slice(0, SHOWN).map((doc) => (
                <li key={doc.id}>
                  <button
                    type="button"
                    className="menu-row w-full text-start"
                    onClick={() =>
                      setExpected([...expected, { document_id: doc.id, document_name: doc.name, segment_id: null, position: null, is_missing: false }])
                    }
                  >
                    <Plus size={14} strokeWidth={1.9} aria-hidden />
                    <span className="flex-1 truncate">{doc.name}</span>
                  </button>
                </li>
              ))}
            </ul>
          )}
        </div>
      </div>
    </Dialog>
  );
}
