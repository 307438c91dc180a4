/** Deletes a knowledge base, after saying who uses it. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { messageOf } from "../../lib/http";
import { Confirm } from "../../ui/Dialog";
import { deleteDataset, isUsed, useKnowledgeChange } from "./api";
import type { Dataset } from "./types";

export function DeleteDialog({ dataset, onClose, onDeleted }: { dataset: Dataset; onClose: () => void; onDeleted?: () => void }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const used = useQuery({ queryKey: ["datasets", "used", dataset.id], queryFn: () => isUsed(dataset.id), staleTime: 0 });
  const drop = useKnowledgeChange(() => deleteDataset(dataset.id));
  return (
    <Confirm
      open
      title={t("delete.title", { name: dataset.name })}
      text={
        <>
          {used.data?.is_using ? <p className="font-medium text-danger pb-1">{t("delete.used", { count: dataset.app_count })}</p> : null}
          <p>{t("delete.text", { count: dataset.document_count })}</p>
        </>
      }
      typed={{ label: t("delete.typed"), text: dataset.name }}
      confirm={c("common.delete")}
      cancel={c("common.keep")}
      busy={drop.isPending || used.isPending}
      onClose={onClose}
      onConfirm={() =>
        drop.mutate(undefined, {
          onSuccess: () => {
            toast(t("delete.done", { name: dataset.name }));
            onClose();
            onDeleted?.();
          },
          onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
        })
      }
    />
  );
}
