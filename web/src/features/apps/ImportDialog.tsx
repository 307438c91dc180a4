/** A file from Dify or from here: chosen, dropped, pasted or by address; then what became of it. */
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { confirmImport, type ImportResult, importApp, type Missing, missingDependencies, useAppChange } from "../../data/apps";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { bodyOf, type FileSource, ImportSource, isReady, NO_SOURCE } from "./ImportSource";

interface Props {
  readonly file?: File | undefined;
  readonly onClose: () => void;
  readonly onOpen: (appId: string) => void;
}

export function ImportDialog({ file: dropped, onClose, onOpen }: Props) {
  const { t } = useTranslation("apps");
  const { t: c } = useTranslation();
  const [source, setSource] = useState<FileSource>({ ...NO_SOURCE, file: dropped });
  const [result, setResult] = useState<ImportResult>();
  const run = useAppChange(async () => importApp(await bodyOf(source)));
  const confirm = useAppChange((id: string) => confirmImport(id));
  const failure = run.error ?? confirm.error;
  const pending = result?.status === "pending";
  return (
    <Dialog
      open
      title={t("importDialog.title")}
      about={result ? undefined : t("importDialog.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        result && !pending ? (
          <>
            <Button onClick={() => setResult(undefined)}>{t("importDialog.again")}</Button>
            {result.app_id ? (
              <Button kind="primary" autoFocus onClick={() => result.app_id && onOpen(result.app_id)}>
                {t("report.open")}
              </Button>
            ) : null}
          </>
        ) : (
          <>
            <Button onClick={pending ? () => setResult(undefined) : onClose}>{c("common.cancel")}</Button>
            {pending ? (
              <Button kind="primary" busy={confirm.isPending} onClick={() => result && confirm.mutate(result.id, { onSuccess: setResult })}>
                {t("report.confirm")}
              </Button>
            ) : (
              <Button kind="primary" disabled={!isReady(source)} busy={run.isPending} onClick={() => run.mutate(undefined, { onSuccess: setResult })}>
                {t("importDialog.submit")}
              </Button>
            )}
          </>
        )
      }
    >
      {result ? <Report result={result} /> : <ImportSource value={source} onChange={setSource} />}
      {failure ? (
        <div className="banner mt-4" data-tone="bad" role="alert">
          <CircleAlert size={16} aria-hidden />
          <span>
            <b className="font-semibold block">{t("report.failed")}</b>
            {messageOf(failure)}
          </span>
        </div>
      ) : null}
    </Dialog>
  );
}

/** The plugin a dependency names, as people know it. */
export function pluginOf(missing: Missing): string {
  const { value } = missing;
  const found =
    value.marketplace_plugin_unique_identifier ?? value.plugin_unique_identifier ?? value.github_plugin_unique_identifier ?? value.repo ?? value.package;
  return String(found ?? missing.current_identifier ?? missing.type).replace(/@.*$/, "");
}

function Report({ result }: { result: ImportResult }) {
  const { t } = useTranslation("apps");
  const appId = result.app_id;
  const missing =
    useQuery({ queryKey: ["imports", appId], queryFn: () => missingDependencies(appId ?? ""), enabled: appId !== null, retry: false }).data
      ?.leaked_dependencies ?? [];
  const versions = { file: result.imported_dsl_version, here: result.current_dsl_version };
  const [Icon, tone, key] =
    result.status === "completed"
      ? ([CircleCheck, "text-success", "done"] as const)
      : result.status === "failed"
        ? ([CircleAlert, "text-danger", "failed"] as const)
        : ([TriangleAlert, "text-warning", result.status === "pending" ? "pending" : "warnings"] as const);
  return (
    <div className="flex flex-col gap-4" role="status">
      <div className="flex gap-3">
        <Icon size={20} strokeWidth={1.75} className={tone} aria-hidden />
        <div>
          <div className="font-semibold">{t(`report.${key}`)}</div>
          <p className="text-ink-2">{key === "failed" ? result.error : t(`report.${key}Text`, versions)}</p>
          {result.error && key !== "failed" ? <p className="text-ink-2 mt-1">{result.error}</p> : null}
        </div>
      </div>
      {missing.length > 0 ? (
        <div className="banner items-start" data-tone="warn">
          <TriangleAlert size={16} className="mt-0.5" aria-hidden />
          <div>
            <b className="font-semibold">{t("report.missing", { count: missing.length })}</b>
            <p>{t("report.missingText")}</p>
            <ul className="mono mt-1">
              {missing.map((item) => (
                <li key={pluginOf(item)}>{pluginOf(item)}</li>
              ))}
            </ul>
          </div>
        </div>
      ) : null}
    </div>
  );
}
