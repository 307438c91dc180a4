/** An ordinary knowledge base becomes one whose documents a pipeline makes. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Workflow } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { convertDataset } from "../../data/pipelines";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";

interface Props {
  readonly dataset: { readonly id: string; readonly name: string };
  readonly onConverted: () => void;
}

export function ConvertSection({ dataset, onConverted }: Props) {
  const { t } = useTranslation("pipelines");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const [sure, setSure] = useState(false);
  const convert = useMutation({
    mutationFn: () => convertDataset(dataset.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["datasets"] });
      toast(t("convert.done"));
      onConverted();
    },
    onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
    onSettled: () => setSure(false),
  });
  return (
    <section className="border-t border-line-1 pt-5 flex items-center gap-3 flex-wrap">
      <div className="flex-1 min-w-[200px]">
        <h2 className="font-semibold">{t("convert.title")}</h2>
        <p className="text-ink-2">{t("convert.text")}</p>
      </div>
      <Button icon={Workflow} onClick={() => setSure(true)}>
        {t("convert.submit")}
      </Button>
      <Confirm
        open={sure}
        title={t("convert.sure", { name: dataset.name })}
        text={t("convert.sureText")}
        confirm={t("convert.submit")}
        cancel={c("common.cancel")}
        busy={convert.isPending}
        typed={{ label: t("convert.typed", { name: dataset.name }), text: dataset.name }}
        onClose={() => setSure(false)}
        onConfirm={() => convert.mutate()}
      />
    </section>
  );
}
