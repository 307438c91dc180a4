/** Annotations of an app: questions with the answers it should give. */
import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { Schema } from "../api/types";
import { get, json, post, remove } from "../lib/http";

export type Annotation = Schema<"AnnotationView">;
export type ImportState = Schema<"ImportState">;
export type Hit = Schema<"HitView">;

interface Page<T> {
  readonly page: number;
  readonly total: number;
  readonly has_more: boolean;
  readonly data: readonly T[];
}

export const annotationList = (appId: string, keyword: string | undefined) =>
  infiniteQueryOptions({
    queryKey: ["annotations", appId, "list", keyword ?? ""],
    queryFn: ({ pageParam }) => get<Page<Annotation>>(`/apps/${appId}/annotations`, { page: pageParam, limit: 50, keyword }),
    initialPageParam: 1,
    getNextPageParam: (last) => (last.has_more ? last.page + 1 : undefined),
    placeholderData: (before) => before,
  });

export const hitList = (appId: string, id: string) =>
  queryOptions({
    queryKey: ["annotations", appId, "hits", id],
    queryFn: () => get<Page<Hit>>(`/apps/${appId}/annotations/${id}/hit-histories`, { page: 1, limit: 100 }),
  });

export const exportAnnotations = (appId: string) => get<{ data: readonly Annotation[] }>(`/apps/${appId}/annotations/export`);

export interface AnnotationFields {
  readonly question: string;
  readonly answer: string;
  /** The message it is made from. */
  readonly message_id?: string;
}

export const saveAnnotation = (appId: string, id: string | undefined, fields: AnnotationFields) =>
  post<Annotation>(`/apps/${appId}/annotations${id === undefined ? "" : `/${id}`}`, fields);

/** So many ids fit into one address. */
const AT_ONCE = 50;

export async function deleteAnnotations(appId: string, ids: readonly string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const query = ids
      .slice(at, at + AT_ONCE)
      .map((id) => `annotation_id=${id}`)
      .join("&");
    await remove(`/apps/${appId}/annotations?${query}`);
  }
}

export const clearAnnotations = (appId: string) => remove(`/apps/${appId}/annotations`);

export type ReplySetting = Schema<"ReplySetting">;

/** Whether the app answers from its annotations, and how. */
export const replySetting = (appId: string) =>
  queryOptions({ queryKey: ["annotations", appId, "reply"], queryFn: () => get<ReplySetting>(`/apps/${appId}/annotation-setting`) });

export interface ReplyFields {
  readonly threshold: number;
  readonly provider: string;
  readonly model: string;
}

const POLL = 1000;

/** Switches answers from annotations on or off and waits until that is done. */
export async function switchReply(appId: string, action: "enable" | "disable", fields: ReplyFields): Promise<void> {
  const base = `/apps/${appId}/annotation-reply/${action}`;
  const body = { score_threshold: fields.threshold, embedding_provider_name: fields.provider, embedding_model_name: fields.model };
  const { job_id } = await post<Schema<"ReplyJob">>(base, body);
  for (;;) {
    const state = await get<Schema<"ReplyJobState">>(`${base}/status/${job_id}`);
    if (state.job_status === "error") throw new Error(state.error_msg);
    if (state.job_status === "completed") return;
    await new Promise((done) => setTimeout(done, POLL));
  }
}

/** Sends the file and waits until all of it is added. */
export async function importAnnotations(appId: string, file: File): Promise<ImportState> {
  const body = new FormData();
  body.append("file", file);
  let state = await json<ImportState>(`/apps/${appId}/annotations/batch-import`, { method: "POST", body });
  while (state.job_status === "waiting" || state.job_status === "processing") {
    await new Promise((done) => setTimeout(done, POLL));
    state = await get<ImportState>(`/apps/${appId}/annotations/batch-import-status/${state.job_id}`);
  }
  if (state.job_status === "error") throw new Error(state.error_msg);
  return state;
}

/** Runs a change; the lists and the logs, which tell what is annotated, are read again. */
export function useAnnotationChange<Args, Result>(appId: string, run: (args: Args) => Promise<Result>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: run,
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["annotations", appId] }),
        client.invalidateQueries({ queryKey: ["logs", "messages", appId] }),
        client.invalidateQueries({ queryKey: ["logs", "conversations", appId] }),
      ]),
  });
}
