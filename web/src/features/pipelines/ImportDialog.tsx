/** A pipeline from a file: chosen, dropped, pasted or by address; then what became of it. */
import { useMutation } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { confirmImport, importPipeline, type PipelineImport } from "../../data/pipelines";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { bodyOf, type FileSource, ImportSource, isReady, NO_SOURCE } from "../apps/ImportSource";

interface Props {
  readonly onClose: () => void;
  readonly onOpen: (datasetId: string) => void;
}

const ACCEPT = ".pipeline,.yml,.yaml,application/yaml,text/yaml";

export function ImportDialog({ onClose, onOpen }: Props) {
  const { t } = useTranslation("pipelines");
  const { t: a } = useTranslation("apps");
  const { t: c } = useTranslation();
  const [source, setSource] = useState<FileSource>(NO_SOURCE);
  const [result, setResult] = useState<PipelineImport>();
  const run = useMutation({ mutationFn: async () => importPipeline(await bodyOf(source)), onSuccess: setResult });
  const confirm = useMutation({ mutationFn: confirmImport, onSuccess: setResult });
  const pending = result?.status === "pending";
  const failure = run.error ?? confirm.error;
  const dataset = result?.dataset_id;
  return (
    <Dialog
      open
      title={t("import.title")}
      about={result ? undefined : t("import.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        result && !pending ? (
          <>
            <Button onClick={() => setResult(undefined)}>{a("importDialog.again")}</Button>
            {dataset ? (
              <Button kind="primary" autoFocus onClick={() => onOpen(dataset)}>
                {t("import.open")}
              </Button>
            ) : null}
          </>
        ) : (
          <>
            <Button onClick={pending ? () => setResult(undefined) : onClose}>{c("common.cancel")}</Button>
            {pending ? (
              <Button kind="primary" busy={confirm.isPending} onClick={() => confirm.mutate(result.id)}>
                {t("import.confirm")}
              </Button>
            ) : (
              <Button kind="primary" disabled={!isReady(source)} busy={run.isPending} onClick={() => run.mutate()}>
                {a("importDialog.submit")}
              </Button>
            )}
          </>
        )
      }
    >
      {result ? <ImportReport result={result} /> : <ImportSource value={source} accept={ACCEPT} onChange={setSource} />}
      {failure ? (
        <div className="banner mt-4" data-tone="bad" role="alert">
          <CircleAlert size={16} aria-hidden />
          <span>
            <b className="font-semibold block">{t("import.failed")}</b>
            {messageOf(failure)}
          </span>
        </div>
      ) : null}
    </Dialog>
  );
}

/** How an import ended, or what has to be known before it goes on. */
export function ImportReport({ result }: { result: PipelineImport }) {
  const { t } = useTranslation("pipelines");
  const versions = { file: result.imported_dsl_version, here: result.current_dsl_version };
  const [Icon, tone, key] =
    result.status === "completed"
      ? ([CircleCheck, "text-success", "done"] as const)
      : result.status === "failed"
        ? ([CircleAlert, "text-danger", "failed"] as const)
        : ([TriangleAlert, "text-warning", result.status === "pending" ? "pending" : "warnings"] as const);
  return (
    <div className="flex gap-3" role="status">
      <Icon size={20} strokeWidth={1.75} className={tone} aria-hidden />
      <div>
        <div className="font-semibold">{t(`import.${key}`)}</div>
        <p className="text-ink-2">{key === "failed" ? result.error : t(`import.${key}Text`, versions)}</p>
        {result.error && key !== "failed" ? <p className="text-ink-2 mt-1">{result.error}</p> : null}
      </div>
    </div>
  );
}
