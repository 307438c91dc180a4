import { useTranslation } from "react-i18next";
import type { NodeStatus, RunStatus } from "../model/run";

const TONES: Readonly<Record<string, string>> = {
  succeeded: "ok",
  failed: "bad",
  exception: "warn",
  "partial-succeeded": "warn",
  running: "run",
  starting: "run",
  listening: "run",
  paused: "pau",
};

export function StatusBadge({ status }: { status: NodeStatus | RunStatus }) {
  const { t } = useTranslation("studio");
  return <span className={`st-badge ${TONES[status] ?? ""}`}>{t(`run.status.${status}`, { defaultValue: status })}</span>;
}
