/** Chunks from a CSV file. */
import { FileDown, FileUp } from "lucide-react";
import { type DragEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { saveFile } from "../../lib/save";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { importSegments, useKnowledgeChange } from "./api";
import type { DocumentDetail } from "./types";

export function ImportChunks({ datasetId, doc, onClose }: { datasetId: string; doc: DocumentDetail; onClose: () => void }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const format = useFormat();
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File>();
  const control = useRef<AbortController>(undefined);
  useEffect(() => () => control.current?.abort(), []);
  const qa = doc.doc_form === "qa_model";
  const run = useKnowledgeChange((chosen: File) => {
    control.current = new AbortController();
    return importSegments(datasetId, doc.id, chosen, control.current.signal);
  });
  const wrong = file && !/\.csv$/i.test(file.name) ? t("import.notCsv") : undefined;
  const choose = (next: File | undefined) => {
    run.reset();
    setFile(next);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    choose(event.dataTransfer.files[0]);
  };
  const sample = qa ? `question,answer\r\n"${t("import.question")}","${t("import.answer")}"\r\n` : `content\r\n"${t("import.content")}"\r\n`;
  return (
    <Dialog
      open
      title={t("chunks.import")}
      about={t(qa ? "import.aboutQa" : "import.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button kind="quiet" icon={FileDown} onClick={() => saveFile("chunks.csv", `\uFEFF${sample}`, "text/csv")}>
            {t("import.template")}
          </Button>
          <span className="flex-1" />
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button
            kind="primary"
            disabled={!file || wrong !== undefined}
            busy={run.isPending}
            onClick={() =>
              file &&
              run.mutate(file, {
                onSuccess: () => {
                  toast(t("import.done"));
                  onClose();
                },
              })
            }
          >
            {t("import.submit")}
          </Button>
        </>
      }
    >
      <button
        type="button"
        className="w-full flex flex-col items-center gap-1 px-4 py-8 rounded-md border border-dashed border-line-2 hover:bg-surface-2"
        onClick={() => input.current?.click()}
        onDragOver={(event) => event.preventDefault()}
        onDrop={drop}
      >
        <FileUp size={18} strokeWidth={1.75} className="text-ink-3" aria-hidden />
        <span className="font-medium wrap-anywhere">{file ? file.name : t("import.choose")}</span>
        <span className="text-12 text-ink-3">{file ? format.bytes(file.size) : t("import.form")}</span>
      </button>
      <input
        ref={input}
        type="file"
        accept=".csv,text/csv"
        className="visually-hidden"
        tabIndex={-1}
        aria-label={t("import.choose")}
        onChange={(event) => choose(event.target.files?.[0])}
      />
      {wrong || run.error ? (
        <div className="wrong pt-3" role="alert">
          {wrong ?? messageOf(run.error)}
        </div>
      ) : null}
    </Dialog>
  );
}
