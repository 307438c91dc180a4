/** Where the text comes from: files that are dropped or chosen, text that is typed, a website, Notion. */
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, FileText, FileUp, Globe, NotebookText, RotateCw, Type, X } from "lucide-react";
import { type DragEvent, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { Button, IconButton } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { Segmented } from "../../ui/Segmented";
import { fileTypes, uploadLimits } from "./api";
import { NotionSource } from "./NotionSource";
import type { NotionPick, SourceKind, WebsitePick } from "./sources";
import type { Limits, Upload, useUploads } from "./useUploads";
import { WebsiteSource } from "./WebsiteSource";

const MEGABYTE = 1024 * 1024;

/** What the server takes, once it has said so. */
export function useLimits(): Limits | undefined {
  const limits = useQuery(uploadLimits).data;
  const types = useQuery(fileTypes).data;
  return useMemo(
    () =>
      limits && types
        ? { size: limits.file_size_limit * MEGABYTE, types: types.allowed_extensions.map((each) => each.toLowerCase()), atOnce: limits.batch_count_limit }
        : undefined,
    [limits, types],
  );
}

interface FilesProps {
  readonly files: ReturnType<typeof useUploads>;
  readonly limits: Limits | undefined;
}

interface Props extends FilesProps {
  readonly kind: SourceKind;
  readonly datasetId: string | undefined;
  readonly website: WebsitePick | undefined;
  readonly notion: NotionPick | undefined;
  readonly onKind: (kind: SourceKind) => void;
  readonly onWebsite: (pick: WebsitePick | undefined) => void;
  readonly onNotion: (pick: NotionPick) => void;
}

export function SourceStep({ kind, files, limits, datasetId, website, notion, onKind, onWebsite, onNotion }: Props) {
  const { t } = useTranslation("knowledge");
  return (
    <div className="flex flex-col gap-4">
      <div>
        <h1 className="text-20 font-semibold">{t("source.title")}</h1>
        <p className="text-ink-2">{t(`source.about.${kind}`)}</p>
      </div>
      <div>
        <Segmented
          label={t("source.kind")}
          value={kind}
          onChange={onKind}
          segments={[
            { value: "files", label: t("source.kinds.files"), icon: FileText },
            { value: "website", label: t("source.kinds.website"), icon: Globe },
            { value: "notion", label: t("source.kinds.notion"), icon: NotebookText },
          ]}
        />
      </div>
      {kind === "files" ? <FileSource files={files} limits={limits} /> : null}
      {kind === "website" ? <WebsiteSource value={website} onChange={onWebsite} /> : null}
      {kind === "notion" ? <NotionSource datasetId={datasetId} value={notion} onChange={onNotion} /> : null}
    </div>
  );
}

export function FileSource({ files, limits }: FilesProps) {
  const { t } = useTranslation("knowledge");
  const format = useFormat();
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [writing, setWriting] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    files.add([...event.dataTransfer.files]);
  };
  const done = files.uploads.filter((each) => each.id !== undefined).length;
  return (
    <div className="flex flex-col gap-4">
      <button
        type="button"
        className="w-full flex flex-col items-center gap-1.5 px-4 py-10 rounded-md border border-dashed hover:bg-surface-2"
        style={over ? { borderColor: "var(--accent)", background: "var(--accent-soft)" } : { borderColor: "var(--border-2)" }}
        onClick={() => input.current?.click()}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <FileUp size={20} strokeWidth={1.75} className="text-ink-3" aria-hidden />
        <span className="font-medium">{t(over ? "source.release" : "source.drop")}</span>
        <span className="text-12 text-ink-3 max-w-[72ch] text-center">
          {limits ? t("source.limits", { size: format.bytes(limits.size), types: limits.types.join(", ") }) : " "}
        </span>
      </button>
      <input
        ref={input}
        type="file"
        multiple
        className="visually-hidden"
        tabIndex={-1}
        aria-label={t("source.drop")}
        {...(limits ? { accept: limits.types.map((type) => `.${type}`).join(",") } : {})}
        onChange={(event) => {
          files.add([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
      <div className="flex items-center gap-2 flex-wrap">
        <Button icon={Type} onClick={() => setWriting(true)}>
          {t("source.write")}
        </Button>
        <span className="ms-auto text-12 text-ink-3 num" role="status">
          {files.uploads.length > 0 ? t("source.count", { count: files.uploads.length, done }) : ""}
        </span>
      </div>
      {files.uploads.length > 0 ? (
        <ul className="card" aria-label={t("source.files")}>
          {files.uploads.map((upload) => (
            <UploadRow key={upload.key} upload={upload} limits={limits} onRemove={() => files.remove(upload.key)} onRetry={() => files.retry(upload.key)} />
          ))}
        </ul>
      ) : null}
      {writing ? (
        <WriteDialog
          onClose={() => setWriting(false)}
          onAdd={(name, text) => {
            files.add([new File([text], name, { type: "text/plain" })]);
            setWriting(false);
          }}
        />
      ) : null}
    </div>
  );
}

interface RowProps {
  readonly upload: Upload;
  readonly limits: Limits | undefined;
  readonly onRemove: () => void;
  readonly onRetry: () => void;
}

function UploadRow({ upload, limits, onRemove, onRetry }: RowProps) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const format = useFormat();
  const { problem } = upload;
  const percent = Math.round(upload.progress * 100);
  return (
    <li className="flex items-center gap-2.5 px-3 py-2 border-b border-line-1 last:border-b-0">
      {problem ? (
        <CircleAlert size={16} strokeWidth={1.75} className="text-danger" aria-hidden />
      ) : upload.id ? (
        <CircleCheck size={16} strokeWidth={1.75} className="text-success" aria-hidden />
      ) : (
        <FileText size={16} strokeWidth={1.75} className="text-ink-3" aria-hidden />
      )}
      <div className="flex-1 min-w-0">
        <div className="flex items-baseline gap-2">
          <span className="truncate font-medium">{upload.name}</span>
          <span className="text-12 text-ink-3 num flex-none">{format.bytes(upload.size)}</span>
        </div>
        {problem ? (
          <div className="text-12 text-danger" role="alert">
            {problem.code === "failed"
              ? problem.message
              : t(`source.problem.${problem.code}`, {
                  size: format.bytes(upload.size),
                  limit: limits ? format.bytes(limits.size) : "",
                  setting: "UPLOAD_FILE_SIZE_LIMIT",
                })}
          </div>
        ) : upload.id ? null : (
          <div className="kb-meter mt-1.5" role="progressbar" aria-label={upload.name} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
            <span style={{ width: `${percent}%` }} />
          </div>
        )}
      </div>
      {problem?.code === "failed" ? <IconButton size="sm" icon={RotateCw} label={`${c("common.retry")}: ${upload.name}`} onClick={onRetry} /> : null}
      <IconButton size="sm" icon={X} label={t("source.remove", { name: upload.name })} onClick={onRemove} />
    </li>
  );
}

function WriteDialog({ onClose, onAdd }: { onClose: () => void; onAdd: (name: string, text: string) => void }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const [asked, setAsked] = useState(false);
  const save = () => {
    setAsked(true);
    if (text.trim() === "") return;
    const title = name.trim().replace(/[\\/:*?"<>|]/g, "_") || t("source.untitled");
    onAdd(/\.(txt|md)$/i.test(title) ? title : `${title}.txt`, text);
  };
  return (
    <Dialog
      open
      size="lg"
      title={t("source.write")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" onClick={save}>
            {c("common.add")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t("source.name")} optional={c("common.optional")}>
          <Input value={name} maxLength={100} placeholder={t("source.untitled")} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t("source.body")} error={asked && text.trim() === "" ? t("source.needText") : undefined}>
          <Textarea rows={14} value={text} onChange={(event) => setText(event.target.value)} />
        </Field>
      </div>
    </Dialog>
  );
}
