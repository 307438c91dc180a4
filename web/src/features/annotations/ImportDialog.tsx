/** Annotations from a CSV file: all of its rows, or none with the reason. */
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { importAnnotations, useAnnotationChange } from "../../data/annotations";
import { useFormat } from "../../lib/format";
import { CsvDialog } from "../../ui/CsvDialog";
import { csvOf } from "./files";

const LIMIT = 2 * 1024 * 1024;

export function ImportDialog({ appId, onClose }: { appId: string; onClose: () => void }) {
  const { t } = useTranslation("annotations");
  const format = useFormat();
  const run = useAnnotationChange(appId, (chosen: File) => importAnnotations(appId, chosen));
  const wrongOf = (file: File) =>
    file.size > LIMIT ? t("import.tooBig", { size: format.bytes(file.size) }) : /\.csv$/i.test(file.name) ? undefined : t("import.notCsv");
  const sent = (state: { record_count: number }) => {
    toast(t("import.done", { count: state.record_count }));
    onClose();
  };
  return (
    <CsvDialog
      title={t("import.title")}
      about={t("import.about")}
      words={{ template: t("import.template"), submit: t("import.submit"), choose: t("import.choose"), form: t("import.limits") }}
      sample={{ name: "annotations.csv", text: csvOf([{ question: t("import.sampleQuestion"), answer: t("import.sampleAnswer") }]) }}
      wrongOf={wrongOf}
      busy={run.isPending}
      error={run.error}
      onChoose={run.reset}
      onSend={(file) => run.mutate(file, { onSuccess: sent })}
      onClose={onClose}
    />
  );
}
