/** Questions from a CSV file. */
import { FileDown, FileUp } from "lucide-react";
import { type DragEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { saveFile } from "../../lib/save";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { useKnowledgeChange } from "./api";
import { importQuestions } from "./evaluation";

const MOST = 8_000_000;

export function ImportQuestions({ datasetId, onClose }: { datasetId: string; onClose: () => void }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const format = useFormat();
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File>();
  const run = useKnowledgeChange(async (chosen: File) => importQuestions(datasetId, await chosen.text()));
  const wrong = file && file.size > MOST ? t("evaluation.csvTooLarge", { most: format.bytes(MOST) }) : undefined;
  const choose = (next: File | undefined) => {
    run.reset();
    setFile(next);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    choose(event.dataTransfer.files[0]);
  };
  const sample = `question,document,chunk\r\n"${t("test.placeholder")}",handbook.pdf,\r\n"${t("test.placeholder")}",prices.csv,3\r\n`;
  const done = run.data;
  const send = (chosen: File) =>
    run.mutate(chosen, {
      onSuccess: (result) => {
        toast(t("evaluation.imported", { count: result.added, changed: result.changed }));
        if (result.skipped === 0) onClose();
      },
    });
  return (
    <Dialog
      open
      title={t("evaluation.fromCsv")}
      about={t("evaluation.csvAbout")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button kind="quiet" icon={FileDown} onClick={() => saveFile("questions.csv", `\uFEFF${sample}`, "text/csv")}>
            {t("import.template")}
          </Button>
          <span className="flex-1" />
          <Button onClick={onClose}>{c(done ? "common.close" : "common.cancel")}</Button>
          <Button kind="primary" disabled={!file || wrong !== undefined || done !== undefined} busy={run.isPending} onClick={() => file && send(file)}>
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
      {done && done.skipped > 0 ? (
        <div className="pt-3 flex flex-col gap-1" role="alert">
          <span className="font-medium">{t("evaluation.skipped", { count: done.skipped })}</span>
          <ul className="flex flex-col text-12 text-ink-2 max-h-[160px] overflow-auto">
            {done.problems.map((problem) => (
              <li key={problem.line}>{t("evaluation.line", { line: problem.line, message: problem.message })}</li>
            ))}
          </ul>
        </div>
      ) : null}
    </Dialog>
  );
}
