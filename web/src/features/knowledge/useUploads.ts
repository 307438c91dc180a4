/** Files on their way to the server: checked, sent a few at a time with progress, tried again, removed. */
import { useCallback, useEffect, useRef, useState } from "react";
import { messageOf } from "../../lib/http";
import { uploadFile } from "./api";

export type UploadProblem = { readonly code: "size" | "type" | "empty" } | { readonly code: "failed"; readonly message: string };

export interface Upload {
  readonly key: string;
  readonly name: string;
  readonly size: number;
  /** 0 to 1. */
  readonly progress: number;
  /** The id of the file once all of it is there. */
  readonly id?: string | undefined;
  readonly problem?: UploadProblem | undefined;
}

export interface Limits {
  /** Bytes. */
  readonly size: number;
  readonly types: readonly string[];
  readonly atOnce: number;
}

export function extensionOf(name: string): string {
  const at = name.lastIndexOf(".");
  return at < 0 ? "" : name.slice(at + 1).toLowerCase();
}

/** Why a file cannot be taken; what the server would say is known before it is sent. */
export function refusal(file: { readonly name: string; readonly size: number }, limits: Limits): UploadProblem | undefined {
  if (file.size === 0) return { code: "empty" };
  if (limits.types.length > 0 && !limits.types.includes(extensionOf(file.name))) return { code: "type" };
  return file.size > limits.size ? { code: "size" } : undefined;
}

let count = 0;

export function useUploads(limits: Limits | undefined) {
  const [uploads, setUploads] = useState<readonly Upload[]>([]);
  const files = useRef(new Map<string, File>());
  const running = useRef(new Map<string, AbortController>());
  const waiting = useRef<string[]>([]);
  /** Chosen before the limits were known: they are sent when they have been checked. */
  const unchecked = useRef<string[]>([]);
  const atOnce = Math.max(1, limits?.atOnce ?? 3);

  const change = useCallback(
    (key: string, part: Partial<Upload>) => setUploads((now) => now.map((each) => (each.key === key ? { ...each, ...part } : each))),
    [],
  );

  const next = useCallback(() => {
    while (running.current.size < atOnce) {
      const key = waiting.current.shift();
      const file = key === undefined ? undefined : files.current.get(key);
      if (key === undefined) return;
      if (!file) continue;
      const control = new AbortController();
      running.current.set(key, control);
      uploadFile(file, (progress) => change(key, { progress }), control.signal)
        .then(
          (body) => change(key, { progress: 1, id: body.id }),
          (error: unknown) => {
            if (!control.signal.aborted) change(key, { problem: { code: "failed", message: messageOf(error) } });
          },
        )
        .finally(() => {
          running.current.delete(key);
          next();
        });
    }
  }, [atOnce, change]);

  useEffect(() => {
    const calls = running.current;
    const line = waiting;
    return () => {
      line.current = [];
      for (const control of calls.values()) control.abort();
    };
  }, []);

  const check = useCallback(() => {
    if (!limits) return;
    for (const key of unchecked.current.splice(0)) {
      const file = files.current.get(key);
      const problem = file && refusal(file, limits);
      if (problem) change(key, { problem });
      else waiting.current.push(key);
    }
    next();
  }, [limits, change, next]);
  useEffect(check, [check]);

  const add = (chosen: readonly File[]) => {
    const rows = chosen.map((file): Upload => {
      count += 1;
      const key = `file-${count}`;
      files.current.set(key, file);
      unchecked.current.push(key);
      return { key, name: file.name, size: file.size, progress: 0 };
    });
    setUploads((now) => [...now, ...rows]);
    check();
  };
  const remove = (key: string) => {
    waiting.current = waiting.current.filter((each) => each !== key);
    unchecked.current = unchecked.current.filter((each) => each !== key);
    running.current.get(key)?.abort();
    files.current.delete(key);
    setUploads((now) => now.filter((each) => each.key !== key));
  };
  const retry = (key: string) => {
    change(key, { problem: undefined, progress: 0 });
    waiting.current.push(key);
    next();
  };
  return { uploads, add, remove, retry };
}
