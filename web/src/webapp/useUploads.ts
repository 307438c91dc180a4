/** Files on their way to the server: taken, checked, sent with progress, removed. */
import { useEffect, useRef } from "react";
import { type Attachment, acceptedKind, kindOf, type Limits, problemOf, type UploadRules } from "../lib/files";
import { text } from "../lib/read";
import { ApiError, type Carrier, isAbort } from "./api";
import { type Say, useSay } from "./words";

export type SetFiles = (change: (files: readonly Attachment[]) => readonly Attachment[]) => void;

export interface Uploads {
  readonly add: (files: readonly File[]) => void;
  readonly addLink: (address: string) => boolean;
  readonly remove: (key: string) => void;
  readonly retry: (key: string) => void;
}

let count = 0;

function reason(error: unknown, say: Say): string {
  if (!(error instanceof ApiError) || error.status === 0) return say("files.notSent");
  if (error.status === 413) return say("files.refusedSize");
  if (error.status === 415) return say("files.refusedType");
  return error.message || say("files.notSent");
}

export function useUploads(
  api: Carrier,
  rules: UploadRules | null,
  limits: Limits,
  files: readonly Attachment[],
  setFiles: SetFiles,
  refuse: (reason: string) => void,
): Uploads {
  const say = useSay();
  const running = useRef(new Map<string, { control: AbortController; file: File }>());
  const urls = useRef<string[]>([]);
  useEffect(() => {
    const made = urls.current;
    const calls = running.current;
    return () => {
      for (const url of made) URL.revokeObjectURL(url);
      for (const { control } of calls.values()) control.abort();
    };
  }, []);
  const change = (key: string, part: Partial<Attachment>): void => setFiles((now) => now.map((file) => (file.key === key ? { ...file, ...part } : file)));

  const send = (key: string, file: File): void => {
    const control = new AbortController();
    running.current.set(key, { control, file });
    api
      .upload(file, (progress) => change(key, { progress }), control.signal)
      .then(
        (body) => change(key, { progress: 1, uploadId: text(body.id), name: text(body.name) || file.name }),
        (error: unknown) => {
          if (!isAbort(error)) change(key, { failed: reason(error, say) });
        },
      );
  };

  return {
    add: (chosen) => {
      if (!rules?.local) return;
      let already = files.length;
      for (const file of chosen) {
        const problem = problemOf(rules, limits, file, already);
        if (problem) {
          refuse(say(problem.key, problem.values));
          continue;
        }
        already++;
        const key = `file-${++count}`;
        const kind = acceptedKind(rules, file.name, file.type) ?? kindOf(file.name, file.type);
        const url = kind === "image" ? URL.createObjectURL(file) : null;
        if (url) urls.current.push(url);
        const entry: Attachment = { key, name: file.name, kind, size: file.size, progress: 0, failed: null, uploadId: null, url, remote: false };
        setFiles((now) => [...now, entry]);
        send(key, file);
      }
    },
    addLink: (address) => {
      if (!rules?.remote || !URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) return false;
      const name = decodeURIComponent(new URL(address).pathname.split("/").filter(Boolean).at(-1) ?? "") || new URL(address).hostname;
      if (files.length >= rules.most) {
        refuse(say("files.tooMany", { count: rules.most }));
        return true;
      }
      const kind = acceptedKind(rules, name) ?? rules.kinds[0] ?? "custom";
      setFiles((now) => [...now, { key: `file-${++count}`, name, kind, size: 0, progress: 1, failed: null, uploadId: null, url: address, remote: true }]);
      return true;
    },
    remove: (key) => {
      running.current.get(key)?.control.abort();
      running.current.delete(key);
      setFiles((now) => now.filter((file) => file.key !== key));
    },
    retry: (key) => {
      const call = running.current.get(key);
      if (!call) return;
      change(key, { failed: null, progress: 0 });
      send(key, call.file);
    },
  };
}

/** The files of a paste or a drop. */
export function filesOf(data: DataTransfer | null): File[] {
  return [...(data?.files ?? [])];
}
