/** Questions from a CSV file. */
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useFormat } from "../../lib/format";
import { CsvDialog } from "../../ui/CsvDialog";
import { useKnowledgeChange } from "./api";
import { importQuestions } from "./evaluation";

const MOST = 8_000_000;

export function ImportQuestions({ datasetId, onClose }: { datasetId: string; onClose: () => void }) {
  const { t } = useTranslation("knowledge");
  const format = useFormat();
  const run = useKnowledgeChange(async (chosen: File) => importQuestions(datasetId, await chosen.text()));
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
    <CsvDialog
      title={t("evaluation.fromCsv")}
      about={t("evaluation.csvAbout")}
      words={{ template: t("import.template"), submit: t("import.submit"), choose: t("import.choose"), form: t("import.form") }}
      sample={{ name: "questions.csv", text: `\uFEFF${sample}` }}
      wrongOf={(file) => (file.size > MOST ? t("evaluation.csvTooLarge", { most: format.bytes(MOST) }) : undefined)}
      busy={run.isPending}
      error={run.error}
      done={done !== undefined}
      onChoose={run.reset}
      onSend={send}
      onClose={onClose}
    >
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
    </CsvDialog>
  );
}
