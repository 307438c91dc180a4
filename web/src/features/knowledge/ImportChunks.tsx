/** Chunks from a CSV file. */
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { CsvDialog } from "../../ui/CsvDialog";
import { importSegments, useKnowledgeChange } from "./api";
import type { DocumentDetail } from "./types";

export function ImportChunks({ datasetId, doc, onClose }: { datasetId: string; doc: DocumentDetail; onClose: () => void }) {
  const { t } = useTranslation("knowledge");
  const control = useRef<AbortController>(undefined);
  useEffect(() => () => control.current?.abort(), []);
  const qa = doc.doc_form === "qa_model";
  const run = useKnowledgeChange((chosen: File) => {
    control.current = new AbortController();
    return importSegments(datasetId, doc.id, chosen, control.current.signal);
  });
  const sample = qa ? `question,answer\r\n"${t("import.question")}","${t("import.answer")}"\r\n` : `content\r\n"${t("import.content")}"\r\n`;
  const sent = () => {
    toast(t("import.done"));
    onClose();
  };
  return (
    <CsvDialog
      title={t("chunks.import")}
      about={t(qa ? "import.aboutQa" : "import.about")}
      words={{ template: t("import.template"), submit: t("import.submit"), choose: t("import.choose"), form: t("import.form") }}
      sample={{ name: "chunks.csv", text: `\uFEFF${sample}` }}
      wrongOf={(file) => (/\.csv$/i.test(file.name) ? undefined : t("import.notCsv"))}
      busy={run.isPending}
      error={run.error}
      onChoose={run.reset}
      onSend={(file) => run.mutate(file, { onSuccess: sent })}
      onClose={onClose}
    />
  );
}
