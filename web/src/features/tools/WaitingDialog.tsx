/** The questions that wait for a member, each with its app and how long it waits. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ShieldQuestion } from "lucide-react";
import { useTranslation } from "react-i18next";
import { type OpenApproval, openApprovals } from "../../data/approvals";
import { allApps } from "../../data/apps";
import { useFormat } from "../../lib/format";
import { Dialog } from "../../ui/Dialog";
import { Empty } from "../../ui/States";
import { ApprovalCard } from "./Approvals";

export function WaitingDialog({ open, onClose }: { open: readonly OpenApproval[]; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const apps = useQuery(allApps).data?.data ?? [];
  const again = () => void client.invalidateQueries({ queryKey: openApprovals.queryKey });
  return (
    <Dialog open title={t("waiting.title")} about={t("waiting.text")} closeLabel={t("common.close")} onClose={onClose}>
      {open.length === 0 ? <Empty icon={ShieldQuestion} cat="connect" title={t("waiting.none")} /> : null}
      {open.map((asked) => (
        <ApprovalCard
          key={asked.id}
          asked={asked}
          onSent={again}
          about={
            <p className="text-12 text-ink-3 flex gap-1.5 flex-wrap">
              <span className="text-ink-1 font-medium">{apps.find((app) => app.id === asked.app)?.name ?? asked.app}</span>
              <span>{t("waiting.until", { time: format.time(asked.until) })}</span>
            </p>
          }
        />
      ))}
    </Dialog>
  );
}
