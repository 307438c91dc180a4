/** Questions that were asked, to be kept for evaluation. */
import { useQuery } from "@tanstack/react-query";
import { History } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Empty, SkeletonRows } from "../../ui/States";
import { Checkbox } from "../../ui/Switch";
import { queryLog, useKnowledgeChange } from "./api";
import { addQuestions } from "./evaluation";
import { questionOf } from "./TestParts";

export function LogQuestions({ datasetId, onClose }: { datasetId: string; onClose: () => void }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const format = useFormat();
  const log = useQuery(queryLog(datasetId));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const add = useKnowledgeChange((questions: readonly string[]) =>
    addQuestions(
      datasetId,
      questions.map((question) => ({ question })),
      "log",
    ),
  );
  const rows = new Map((log.data?.data ?? []).map((row) => [questionOf(row), row]));
  rows.delete("");
  const toggle = (question: string) => {
    const next = new Set(chosen);
    if (!next.delete(question)) next.add(question);
    setChosen(next);
  };
  return (
    <Dialog
      open
      title={t("evaluation.fromLog")}
      about={t("evaluation.logAbout")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button
            kind="primary"
            busy={add.isPending}
            disabled={chosen.size === 0}
            onClick={() =>
              add.mutate([...chosen], {
                onSuccess: (done) => {
                  toast(t("evaluation.imported", { count: done.added, changed: done.changed }));
                  onClose();
                },
              })
            }
          >
            {t("evaluation.addChosen", { count: chosen.size })}
          </Button>
        </>
      }
    >
      {log.isPending ? (
        <SkeletonRows rows={5} height={36} slow={c("common.slow")} label={c("common.loading")} />
      ) : rows.size === 0 ? (
        <Empty icon={History} title={log.error ? messageOf(log.error) : t("test.neverAsked")} />
      ) : (
        <ul className="flex flex-col" aria-label={t("evaluation.asked")}>
          {[...rows].map(([question, row]) => (
            <li key={row.id} className="flex items-center gap-2.5 min-h-9 border-b border-line-1 last:border-b-0">
              <Checkbox label={question} checked={chosen.has(question)} onChange={() => toggle(question)} />
              <span className="flex-1 min-w-0 truncate">{question}</span>
              <span className="text-11 text-ink-3 flex-none">
                {t(row.source === "hit_testing" ? "test.byTest" : "test.byApp")}, {format.ago(row.created_at)}
              </span>
            </li>
          ))}
        </ul>
      )}
      {add.error ? (
        <div className="wrong pt-3" role="alert">
          {messageOf(add.error)}
        </div>
      ) : null}
    </Dialog>
  );
}
