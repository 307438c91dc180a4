/** Annotations from a CSV file: all of its rows, or none with the reason. */
import { FileDown, FileUp } from "lucide-react";
import { type DragEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { importAnnotations, useAnnotationChange } from "../../data/annotations";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { saveFile } from "../../lib/save";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { csvOf } from "./files";

const LIMIT = 2 * 1024 * 1024;

export function ImportDialog({ appId, onClose }: { appId: string; onClose: () => void }) {
  const { t } = useTranslation("annotations");
  const { t: c } = useTranslation();
  const format = useFormat();
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File>();
  const run = useAnnotationChange(appId, (chosen: File) => importAnnotations(appId, chosen));
  const wrong =
    file && file.size > LIMIT ? t("import.tooBig", { size: format.bytes(file.size) }) : file && !/\.csv$/i.test(file.name) ? t("import.notCsv") : undefined;
  const choose = (next: File | undefined) => {
    run.reset();
    setFile(next);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    choose(event.dataTransfer.files[0]);
  };
  return (
    <Dialog
      open
      title={t("import.title")}
      about={t("import.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button
            kind="quiet"
            icon={FileDown}
            onClick={() => saveFile("annotations.csv", csvOf([{ question: t("import.sampleQuestion"), answer: t("import.sampleAnswer") }]), "text/csv")}
          >
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
                onSuccess: (state) => {
                  toast(t("import.done", { count: state.record_count }));
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
        <span className="text-12 text-ink-3">{file ? format.bytes(file.size) : t("import.limits")}</span>
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
