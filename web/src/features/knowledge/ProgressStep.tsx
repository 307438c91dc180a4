/** What happens to the documents that were just sent: live, with the cause of each failure and a way on. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { CircleAlert, Pause, Play, RotateCw } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { SaveMark, useAutosave } from "../settings/useAutosave";
import { batchStatus, changeDataset, pauseDocument, retryDocuments, useKnowledgeChange } from "./api";
import { StatusBadge } from "./StatusBadge";
import { displayOf, isUnfinished, progressOf } from "./status";
import type { Created, DocStatus } from "./types";

interface Props {
  readonly created: Created;
  /** The knowledge base is new: its name is only a guess. */
  readonly fresh: boolean;
  readonly onDone: () => void;
  readonly onTest: () => void;
}

export function ProgressStep({ created, fresh, onDone, onTest }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const status = useQuery(batchStatus(created.dataset.id, created.batch));
  const byId = new Map((status.data?.data ?? []).map((doc) => [doc.id, doc]));
  const rows = created.documents.map((doc) => ({ doc, now: byId.get(doc.id) }));
  const states = rows.map(({ doc, now }) => now?.indexing_status ?? doc.indexing_status);
  const ready = states.filter((state) => state === "completed").length;
  const bad = rows.filter(({ now }) => now?.indexing_status === "error");
  const moving = states.some(isUnfinished);
  const again = useKnowledgeChange((ids: readonly string[]) => retryDocuments(created.dataset.id, ids));
  const retry = (ids: readonly string[]) => again.mutate(ids, { onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })) });
  return (
    <div className="flex-1 min-h-0 overflow-auto">
      <div className="max-w-[760px] mx-auto px-7 max-md:px-4 py-6 flex flex-col gap-5">
        <div>
          <h1 className="text-20 font-semibold">{t(moving ? "progress.working" : bad.length > 0 ? "progress.partly" : "progress.ready")}</h1>
          <p className="text-ink-2" role="status">
            {t("progress.count", { count: rows.length, ready })}
          </p>
        </div>
        {fresh ? <NameField id={created.dataset.id} name={created.dataset.name} /> : null}
        {bad.length > 0 && !moving ? (
          <div className="banner" data-tone="warn">
            <CircleAlert size={16} aria-hidden />
            <span className="flex-1">{t("progress.failed", { count: bad.length })}</span>
            <Button size="sm" icon={RotateCw} busy={again.isPending} onClick={() => retry(bad.map(({ doc }) => doc.id))}>
              {t("progress.retryAll")}
            </Button>
          </div>
        ) : null}
        {status.error ? (
          <div className="wrong" role="alert">
            {t("progress.unknown", { message: messageOf(status.error) })}
          </div>
        ) : null}
        <ul className="card" aria-label={t("progress.list")}>
          {rows.map(({ doc, now }) => (
            <ProgressRow key={doc.id} datasetId={created.dataset.id} name={doc.name} id={doc.id} now={now} onRetry={() => retry([doc.id])} />
          ))}
        </ul>
        {moving ? <p className="hint">{t("progress.leave")}</p> : null}
        <div className="flex gap-2 flex-wrap">
          <Button kind="primary" onClick={onDone}>
            {t("progress.documents")}
          </Button>
          <Button disabled={ready === 0} onClick={onTest}>
            {t("progress.test")}
          </Button>
        </div>
      </div>
    </div>
  );
}

function NameField({ id, name }: { id: string; name: string }) {
  const { t } = useTranslation("knowledge");
  const [value, setValue] = useState(name);
  const [saved, setSaved] = useState(name);
  const change = useKnowledgeChange((next: string) => changeDataset(id, { name: next }));
  const state = useAutosave(value.trim(), saved, value.trim() !== "", async (next) => {
    await change.mutateAsync(next);
    setSaved(next);
  });
  return (
    <Field label={t("progress.name")} aside={<SaveMark state={state} />} error={value.trim() === "" ? t("settings.needName") : undefined}>
      <Input value={value} maxLength={40} onChange={(event) => setValue(event.target.value)} />
    </Field>
  );
}

interface RowProps {
  readonly datasetId: string;
  readonly id: string;
  readonly name: string;
  readonly now: DocStatus | undefined;
  readonly onRetry: () => void;
}

function ProgressRow({ datasetId, id, name, now, onRetry }: RowProps) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const [paused, setPaused] = useState(false);
  const status = now?.indexing_status ?? "waiting";
  useEffect(() => setPaused(status === "paused"), [status]);
  const hold = useMutation({
    mutationFn: (action: "pause" | "resume") => pauseDocument(datasetId, id, action),
    onSuccess: (_, action) => setPaused(action === "pause"),
    onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
  });
  const shown = paused && status !== "completed" && status !== "error" ? "paused" : displayOf({ indexing_status: status, enabled: true, archived: false });
  const part = progressOf({ ...now, indexing_status: status });
  return (
    <li className="flex items-center gap-2.5 px-3 py-2.5 border-b border-line-1 last:border-b-0">
      <div className="flex-1 min-w-0">
        <div className="flex items-center gap-2">
          <span className="truncate font-medium">{name}</span>
          <span className="ms-auto text-12 text-ink-3 num flex-none">
            {now?.total_segments
              ? t("progress.chunks", { done: now.completed_segments ?? 0, count: now.total_segments })
              : isUnfinished(status)
                ? t(`stages.${status}`)
                : ""}
          </span>
          <StatusBadge status={shown} />
        </div>
        {status === "error" ? (
          <div className="text-12 text-danger wrap-anywhere">{now?.error ?? t("progress.noCause")}</div>
        ) : isUnfinished(status) ? (
          <div className="kb-meter mt-1.5" role="progressbar" aria-label={name} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(part * 100)}>
            <span style={{ width: `${Math.max(part * 100, status === "waiting" ? 0 : 4)}%` }} />
          </div>
        ) : null}
      </div>
      {status === "error" ? <IconButton size="sm" icon={RotateCw} label={t("progress.retry", { name })} onClick={onRetry} /> : null}
      {isUnfinished(status) || paused ? (
        <IconButton
          size="sm"
          icon={paused ? Play : Pause}
          label={t(paused ? "progress.resume" : "progress.pause", { name })}
          busy={hold.isPending}
          onClick={() => hold.mutate(paused ? "resume" : "pause")}
        />
      ) : null}
    </li>
  );
}
