/** Files that go with a message or a field of the console's previews: chosen, dropped or linked, checked, sent, removed. */
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, Link as LinkIcon, Paperclip, RotateCw, X } from "lucide-react";
import { type DragEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Attachment, acceptedKind, acceptOf, kindOf, limitsFrom, mappingOf, problemOf, type UploadRules } from "../lib/files";
import { get, messageOf, upload } from "../lib/http";
import type { Json } from "../lib/read";
import { Button, IconButton } from "./Button";
import { Dialog } from "./Dialog";
import { Field } from "./Field";
import { Input } from "./Input";
import { Menu } from "./Menu";

interface Stored {
  readonly id: string;
  readonly name?: string;
}

export interface Attached {
  readonly rules: UploadRules | null;
  readonly files: readonly Attachment[];
  /** What was wrong with the last file that was not taken. */
  readonly problem: string | undefined;
  /** One is on its way, or was not taken by the server. */
  readonly waits: boolean;
  readonly add: (chosen: readonly File[]) => void;
  readonly addLink: (address: string) => boolean;
  readonly remove: (key: string) => void;
  readonly retry: (key: string) => void;
  readonly clear: () => void;
  /** By their names, and as the server wants them named. */
  readonly sent: () => { readonly name: string; readonly mapping: Json }[];
}

let count = 0;

/** Where the files are kept, when not in the hook: the values of a form. */
export type Kept = readonly [files: readonly Attachment[], change: (next: (now: readonly Attachment[]) => readonly Attachment[]) => void];

export function useAttachments(rules: UploadRules | null, kept?: Kept): Attached {
  const { t } = useTranslation("webapp");
  // The limits have the names that published apps are told them by.
  const system = useQuery({ queryKey: ["files", "limits"], queryFn: () => get<Json>("/files/upload"), staleTime: 300_000, enabled: rules !== null });
  const own = useState<readonly Attachment[]>([]);
  const [files, setFiles]: Kept = kept ?? own;
  const [problem, setProblem] = useState<string>();
  const running = useRef(new Map<string, { control: AbortController; file: File }>());
  useEffect(() => {
    const calls = running.current;
    return () => {
      for (const { control } of calls.values()) control.abort();
    };
  }, []);
  const change = (key: string, part: Partial<Attachment>) => setFiles((now) => now.map((file) => (file.key === key ? { ...file, ...part } : file)));
  const send = (key: string, file: File) => {
    const control = new AbortController();
    running.current.set(key, { control, file });
    const form = new FormData();
    form.append("file", file);
    upload<Stored>("/files/upload", form, (progress) => change(key, { progress: Math.min(progress, 0.99) }), control.signal).then(
      (stored) => change(key, { progress: 1, uploadId: stored.id, name: stored.name ?? file.name }),
      (error: unknown) => (control.signal.aborted ? undefined : change(key, { failed: messageOf(error instanceof Error ? error : new Error(String(error))) })),
    );
  };
  const put = (file: Omit<Attachment, "key" | "failed" | "uploadId">) => {
    const key = `attached-${++count}`;
    setFiles((now) => [...now, { ...file, key, failed: null, uploadId: null }]);
    return key;
  };
  return {
    rules,
    files,
    problem,
    waits: files.some((file) => file.progress < 1 || file.failed !== null),
    add: (chosen) => {
      if (!rules?.local) return;
      setProblem(undefined);
      let already = files.length;
      for (const file of chosen) {
        const wrong = problemOf(rules, limitsFrom({ system_parameters: system.data ?? {} }), file, already);
        if (wrong) {
          setProblem(t(wrong.key, wrong.values));
          continue;
        }
        already++;
        const kind = acceptedKind(rules, file.name, file.type) ?? kindOf(file.name, file.type);
        send(put({ name: file.name, kind, size: file.size, progress: 0, url: null, remote: false }), file);
      }
    },
    addLink: (address) => {
      if (!rules?.remote || !URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) return false;
      setProblem(undefined);
      if (files.length >= rules.most) {
        setProblem(t("files.tooMany", { count: rules.most }));
        return true;
      }
      const name = new URL(address).pathname.split("/").filter(Boolean).at(-1) ?? new URL(address).hostname;
      put({ name, kind: acceptedKind(rules, name) ?? rules.kinds[0] ?? "custom", size: 0, progress: 1, url: address, remote: true });
      return true;
    },
    remove: (key) => {
      running.current.get(key)?.control.abort();
      running.current.delete(key);
      setProblem(undefined);
      setFiles((now) => now.filter((file) => file.key !== key));
    },
    retry: (key) => {
      const call = running.current.get(key);
      if (!call) return;
      change(key, { failed: null, progress: 0 });
      send(key, call.file);
    },
    clear: () => {
      setProblem(undefined);
      setFiles(() => []);
    },
    sent: () => files.filter((file) => file.failed === null && file.progress >= 1).map((file) => ({ name: file.name, mapping: mappingOf(file) })),
  };
}

/** What a box that takes dropped and pasted files listens to. */
export function takesFiles(attached: Attached) {
  if (!attached.rules?.local) return {};
  const take = (event: { preventDefault: () => void }, data: DataTransfer | null) => {
    const files = [...(data?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    attached.add(files);
  };
  return {
    onDragOver: (event: DragEvent) => (event.dataTransfer.types.includes("Files") ? event.preventDefault() : undefined),
    onDrop: (event: DragEvent) => take(event, event.dataTransfer),
    onPaste: (event: React.ClipboardEvent) => take(event, event.clipboardData),
  };
}

/** Opens the picker, or asks for a link. */
export function AttachButton({ attached, disabled = false }: { attached: Attached; disabled?: boolean }) {
  const { t } = useTranslation("webapp");
  const { rules } = attached;
  const picker = useRef<HTMLInputElement>(null);
  const [linking, setLinking] = useState(false);
  if (!rules || (!rules.local && !rules.remote)) return null;
  const choose = () => picker.current?.click();
  const link = () => setLinking(true);
  return (
    <>
      {rules.local && rules.remote ? (
        <Menu
          align="start"
          side="top"
          trigger={<IconButton icon={Paperclip} label={t("composer.attach")} disabled={disabled} />}
          entries={[
            { key: "file", label: t("files.choose"), icon: Paperclip, onSelect: choose },
            { key: "link", label: t("files.addLink"), icon: LinkIcon, onSelect: link },
          ]}
        />
      ) : (
        <IconButton
          icon={rules.local ? Paperclip : LinkIcon}
          label={t(rules.local ? "composer.attach" : "files.addLink")}
          disabled={disabled}
          onClick={rules.local ? choose : link}
        />
      )}
      <input
        ref={picker}
        type="file"
        className="visually-hidden"
        tabIndex={-1}
        aria-label={t("files.choose")}
        multiple={rules.most > 1}
        accept={acceptOf(rules)}
        onChange={(event) => {
          attached.add([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
      {linking ? <LinkDialog onAdd={attached.addLink} onClose={() => setLinking(false)} /> : null}
    </>
  );
}

export function LinkDialog({ onAdd, onClose }: { onAdd: (address: string) => boolean; onClose: () => void }) {
  const { t } = useTranslation("webapp");
  const { t: c } = useTranslation();
  const [address, setAddress] = useState("");
  const [wrong, setWrong] = useState(false);
  const add = () => (onAdd(address.trim()) ? onClose() : setWrong(true));
  return (
    <Dialog
      open
      title={t("files.addLink")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" onClick={add}>
            {t("files.addLink")}
          </Button>
        </>
      }
    >
      <Field label={t("files.address")} error={wrong ? t("files.badAddress") : undefined}>
        <Input
          type="url"
          placeholder="https://"
          value={address}
          autoFocus
          onChange={(event) => setAddress(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            add();
          }}
        />
      </Field>
    </Dialog>
  );
}

/** The files that will go along, and what was wrong with one that will not. */
export function AttachedFiles({ attached }: { attached: Attached }) {
  const { t } = useTranslation("webapp");
  const { files, problem } = attached;
  if (files.length === 0 && problem === undefined) return null;
  return (
    <div className="flex flex-col gap-1.5">
      {files.length > 0 ? (
        <ul className="flex flex-wrap gap-1.5" aria-label={t("files.label")}>
          {files.map((file) => (
            <li key={file.key} className="inline-flex items-center gap-1.5 max-w-full rounded-md border border-line-1 bg-surface-1 ps-2 text-12">
              <span className="truncate max-w-[220px]" title={file.url ?? file.name}>
                {file.name}
              </span>
              {file.failed === null ? (
                file.progress < 1 ? (
                  <span className="text-ink-3 num">{t("files.sending", { percent: Math.round(file.progress * 100) })}</span>
                ) : null
              ) : (
                <>
                  <span className="text-danger" role="alert">
                    {file.failed}
                  </span>
                  <IconButton size="sm" icon={RotateCw} label={t("files.retry", { name: file.name })} onClick={() => attached.retry(file.key)} />
                </>
              )}
              <IconButton size="sm" icon={X} label={t("files.remove", { name: file.name })} onClick={() => attached.remove(file.key)} />
            </li>
          ))}
        </ul>
      ) : null}
      {problem === undefined ? null : (
        <div className="wrong" role="alert">
          <CircleAlert size={14} aria-hidden />
          {problem}
        </div>
      )}
    </div>
  );
}

/** Files that went with a message. */
export function SentFiles({ names }: { names: readonly string[] }) {
  if (names.length === 0) return null;
  return (
    <ul className="flex flex-wrap gap-1.5 justify-end">
      {names.map((name, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the same file may be there twice
        <li key={place} className="inline-flex items-center gap-1 max-w-full rounded-md border border-line-1 px-2 py-0.5 text-12 text-ink-2">
          <Paperclip size={12} aria-hidden className="flex-none" />
          <span className="truncate max-w-[220px]">{name}</span>
        </li>
      ))}
    </ul>
  );
}
