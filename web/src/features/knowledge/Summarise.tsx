/** Having the summaries of documents written. */
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { messageOf } from "../../lib/http";
import { Confirm } from "../../ui/Dialog";
import { summariseDocuments, useKnowledgeChange } from "./api";
import { canSummarise } from "./summary";
import type { Dataset, KnowledgeDocument } from "./types";

/** Whether summaries of a document can be made now. */
export function canBeSummarised(dataset: Dataset, doc: KnowledgeDocument): boolean {
  const isOn = dataset.summary_index_setting?.enable === true && canSummarise(dataset.indexing_technique, doc.doc_form);
  return isOn && doc.indexing_status === "completed" && !doc.archived && !doc.summary_index_status;
}

export function SummariseDialog({
  datasetId,
  docs,
  onClose,
}: {
  datasetId: string;
  docs: readonly { readonly id: string; readonly name: string }[];
  onClose: () => void;
}) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const run = useKnowledgeChange((ids: readonly string[]) => summariseDocuments(datasetId, ids));
  return (
    <Confirm
      open
      title={t("summary.sure", { count: docs.length, name: docs[0]?.name ?? "" })}
      text={t("summary.sureText")}
      confirm={t("summary.write")}
      cancel={c("common.cancel")}
      busy={run.isPending}
      onClose={onClose}
      onConfirm={() =>
        run.mutate(
          docs.map((doc) => doc.id),
          {
            onSuccess: () => toast(t("summary.begun")),
            onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
            onSettled: onClose,
          },
        )
      }
    />
  );
}
