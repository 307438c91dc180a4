/** Under the name of a document: how far it is or why it failed, with what can be done about it at hand. */
import { Pause, Play, RotateCw } from "lucide-react";
import { useTranslation } from "react-i18next";
import { IconButton } from "../../ui/Button";
import { canDo, displayOf, isUnfinished, progressOf } from "./status";
import type { KnowledgeDocument } from "./types";

interface Props {
  readonly doc: KnowledgeDocument;
  readonly edit: boolean;
  readonly busy: boolean;
  readonly onRetry: () => void;
  readonly onHold: (action: "pause" | "resume") => void;
}

export function DocumentProgress({ doc, edit, busy, onRetry, onHold }: Props) {
  const { t } = useTranslation("knowledge");
  const status = displayOf(doc);
  const can = canDo(status);
  if (status === "error")
    return (
      <span className="flex items-center gap-1 min-w-0">
        <span className="text-12 text-danger truncate">{doc.error || t("progress.noCause")}</span>
        {edit ? <IconButton size="sm" icon={RotateCw} label={t("progress.retry", { name: doc.name })} disabled={busy} onClick={onRetry} /> : null}
      </span>
    );
  if (!isUnfinished(doc.indexing_status) && !can.resume) return null;
  const part = progressOf(doc);
  const action = can.resume ? "resume" : "pause";
  return (
    <span className="flex items-center gap-2 min-w-0">
      <span className="kb-meter flex-1" role="progressbar" aria-label={doc.name} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(part * 100)}>
        <span style={{ width: `${part * 100}%` }} />
      </span>
      {doc.total_segments ? (
        <span className="text-11 text-ink-3 num flex-none">{t("progress.chunks", { done: doc.completed_segments ?? 0, count: doc.total_segments })}</span>
      ) : null}
      {edit ? (
        <IconButton
          size="sm"
          icon={can.resume ? Play : Pause}
          label={t(`progress.${action}`, { name: doc.name })}
          disabled={busy}
          onClick={() => onHold(action)}
        />
      ) : null}
    </span>
  );
}
