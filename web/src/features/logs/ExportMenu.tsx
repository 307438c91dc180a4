/** The log as it is filtered now, as a file. */
import { useMutation } from "@tanstack/react-query";
import { Download, FileDown } from "lucide-react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import type { AppDetail } from "../../data/apps";
import { messageOf, type Query, request } from "../../lib/http";
import { saveBlob } from "../../lib/save";
import { IconButton } from "../../ui/Button";
import { Menu } from "../../ui/Menu";

const FORMATS = ["csv", "jsonl"] as const;
type Format = (typeof FORMATS)[number];

export function ExportMenu({ app, filter }: { app: AppDetail; filter: Query }) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const run = useMutation({
    mutationFn: async (format: Format) => {
      const answer = await request(`/apps/${app.id}/logs/export`, { query: { ...filter, format } });
      saveBlob(`${app.name} log.${format}`, await answer.blob());
    },
    onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
  });
  return (
    <Menu
      trigger={<IconButton kind="default" icon={Download} busy={run.isPending} label={t("export.open")} />}
      entries={FORMATS.map((key) => ({ key, label: t(`export.${key}`), icon: FileDown, onSelect: () => run.mutate(key) }))}
    />
  );
}
