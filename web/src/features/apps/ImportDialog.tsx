/** A file from Dify or from here: chosen, dropped, pasted or by address; then what became of it. */
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, FileUp, TriangleAlert } from "lucide-react";
import { type DragEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { confirmImport, type ImportResult, importApp, type Missing, missingDependencies, useAppChange } from "../../data/apps";
import { useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { Segmented } from "../../ui/Segmented";

const LIMIT = 10 * 1024 * 1024;
type Way = "file" | "text" | "url";

interface Props {
  readonly file?: File | undefined;
  readonly onClose: () => void;
  readonly onOpen: (appId: string) => void;
}

export function ImportDialog({ file: dropped, onClose, onOpen }: Props) {
  const { t } = useTranslation("apps");
  const { t: c } = useTranslation();
  const format = useFormat();
  const [way, setWay] = useState<Way>("file");
  const [file, setFile] = useState(dropped);
  const [text, setText] = useState("");
  const [url, setUrl] = useState("");
  const [result, setResult] = useState<ImportResult>();
  const run = useAppChange(async () => {
    if (way === "url") return importApp({ mode: "yaml-url", yaml_url: url.trim() });
    return importApp({ mode: "yaml-content", yaml_content: way === "text" ? text : ((await file?.text()) ?? "") });
  });
  const confirm = useAppChange((id: string) => confirmImport(id));
  const tooBig = file && file.size > LIMIT ? t("importDialog.tooBig", { name: file.name, size: format.bytes(file.size) }) : undefined;
  const ready = way === "file" ? file !== undefined && !tooBig : way === "text" ? text.trim() !== "" : /^https?:\/\/./.test(url.trim());
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
              <Button kind="primary" disabled={!ready} busy={run.isPending} onClick={() => run.mutate(undefined, { onSuccess: setResult })}>
                {t("importDialog.submit")}
              </Button>
            )}
          </>
        )
      }
    >
      {result ? (
        <Report result={result} />
      ) : (
        <div className="flex flex-col gap-4">
          <Segmented
            label={t("importDialog.how")}
            value={way}
            onChange={setWay}
            segments={[
              { value: "file", label: t("importDialog.file") },
              { value: "text", label: t("importDialog.text") },
              { value: "url", label: t("importDialog.url") },
            ]}
          />
          {way === "file" ? <DropZone file={file} error={tooBig} onFile={setFile} /> : null}
          {way === "text" ? (
            <Field label={t("importDialog.paste")}>
              <Textarea rows={12} className="mono" spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} />
            </Field>
          ) : null}
          {way === "url" ? (
            <Field label={t("importDialog.address")} hint={t("importDialog.addressHint")}>
              <Input type="url" placeholder="https://" value={url} onChange={(event) => setUrl(event.target.value)} />
            </Field>
          ) : null}
        </div>
      )}
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

function DropZone({ file, error, onFile }: { file: File | undefined; error: string | undefined; onFile: (file: File) => void }) {
  const { t } = useTranslation("apps");
  const format = useFormat();
  const input = useRef<HTMLInputElement>(null);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    const [first] = event.dataTransfer.files;
    if (first) onFile(first);
  };
  return (
    <section
      aria-label={t("importDialog.drop")}
      className="rounded-md border border-dashed border-line-2 flex flex-col items-center gap-2 py-9 px-4 text-center"
      onDragOver={(event) => event.preventDefault()}
      onDrop={drop}
    >
      <FileUp size={20} strokeWidth={1.75} className="text-ink-3" aria-hidden />
      <span>{file ? t("importDialog.reading", { name: file.name, size: format.bytes(file.size) }) : t("importDialog.drop")}</span>
      <Button onClick={() => input.current?.click()}>{t("importDialog.choose")}</Button>
      <input
        ref={input}
        type="file"
        accept=".yml,.yaml,application/yaml,text/yaml"
        className="visually-hidden"
        tabIndex={-1}
        aria-label={t("importDialog.choose")}
        onChange={(event) => {
          const chosen = event.target.files?.[0];
          if (chosen) onFile(chosen);
        }}
      />
      {error ? (
        <div className="wrong" role="alert">
          {error}
        </div>
      ) : null}
    </section>
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
