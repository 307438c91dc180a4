/** Data sources of a pipeline, what they list, and what is chosen of it. Pure. */
import { z } from "zod";
import type { DriveEntry, GraphView, OnlinePage, OnlineWorkspace, SourceInfo, SourceType, WebPage } from "../../data/pipelines";
import type { StreamEvent } from "../../lib/events";

export interface SourceNode {
  readonly id: string;
  readonly title: string;
  readonly type: SourceType;
  readonly pluginId: string;
  readonly provider: string;
  /** Without a dot; for files only. */
  readonly extensions: readonly string[];
}

const TYPES: readonly SourceType[] = ["local_file", "online_document", "online_drive", "website_crawl"];

const dataSchema = z.looseObject({
  type: z.string(),
  title: z.string().catch(""),
  provider_type: z.string().catch(""),
  provider_name: z.string().nullish().catch(""),
  plugin_id: z.string().nullish().catch(""),
  fileExtensions: z.array(z.string()).nullish().catch([]),
});

/** A node of a graph as a source; nothing if it is none that is known here. */
export function sourceOf(id: string, data: unknown): SourceNode | undefined {
  const read = dataSchema.safeParse(data).data;
  const type = TYPES.find((each) => each === read?.provider_type);
  if (read?.type !== "datasource" || !type) return undefined;
  const extensions = (read.fileExtensions ?? []).map((each) => each.replace(/^\./, "").toLowerCase());
  return { id, title: read.title, type, pluginId: read.plugin_id ?? "", provider: read.provider_name ?? "", extensions };
}

export function sourcesOf(graph: GraphView | undefined): SourceNode[] {
  return (graph?.nodes ?? []).flatMap((node) => sourceOf(node.id, node.data) ?? []);
}

// ---- what was chosen

export interface Item {
  readonly id: string;
  readonly name: string;
  readonly info: SourceInfo;
}

export function fileItem(id: string, name: string): Item {
  const dot = name.lastIndexOf(".");
  const extension = dot < 0 ? "" : name.slice(dot + 1).toLowerCase();
  return { id, name, info: { related_id: id, name, extension, transfer_method: "local_file", type: "document" } };
}

export function webItem(page: WebPage): Item {
  return { id: page.source_url, name: page.title || page.source_url, info: { ...page } };
}

export function onlineItem(workspace: OnlineWorkspace, page: OnlinePage, credential: string | undefined): Item {
  const info = { workspace_id: workspace.workspace_id, page: { ...page }, ...(credential ? { credential_id: credential } : {}) };
  return { id: `${workspace.workspace_id}/${page.page_id}`, name: page.page_name, info };
}

export function driveItem(bucket: string, file: DriveEntry, credential: string): Item {
  const info = { ...(bucket ? { bucket } : {}), id: file.id, name: file.name, size: file.size, type: file.type, credential_id: credential };
  return { id: `${bucket}/${file.id}`, name: file.name, info };
}

/** Ticks or unticks one; where only one counts, it takes the place of the other. */
export function toggled(chosen: readonly Item[], item: Item, one: boolean): readonly Item[] {
  if (chosen.some((each) => each.id === item.id)) return chosen.filter((each) => each.id !== item.id);
  return one ? [item] : [...chosen, item];
}

/** What a document was made of, in a word; for documents that are made anew. */
export function nameOfInfo(type: SourceType | null, info: SourceInfo | null): string {
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  if (!info) return "";
  if (type === "website_crawl") return text(info.title) || text(info.source_url);
  if (type === "online_document") {
    const { page } = info;
    return typeof page === "object" && page !== null ? text(Reflect.get(page, "page_name")) : "";
  }
  return text(info.name);
}

// ---- the stream of a run

export type SourceState =
  | { readonly status: "idle" }
  | { readonly status: "running"; readonly total: number; readonly completed: number }
  | { readonly status: "done"; readonly data: readonly unknown[]; readonly seconds: number }
  | { readonly status: "failed"; readonly error: string };

export const IDLE: SourceState = { status: "idle" };
export const STARTED: SourceState = { status: "running", total: 0, completed: 0 };

const number = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);

/** The state after an event; what is not about a data source changes nothing. */
export function advance(state: SourceState, event: StreamEvent): SourceState {
  switch (event.event) {
    case "datasource_processing":
      return { status: "running", total: number(event.total), completed: number(event.completed) };
    case "datasource_completed":
      return { status: "done", data: Array.isArray(event.data) ? event.data : [], seconds: number(event.time_consuming) };
    case "datasource_error":
      return { status: "failed", error: typeof event.error === "string" ? event.error : "" };
    default:
      return state;
  }
}

const webSchema = z.looseObject({
  title: z.string().catch(""),
  source_url: z.string(),
  description: z
    .string()
    .nullish()
    .catch("")
    .transform((text) => text ?? ""),
  content: z.string().catch(""),
});

export function webPages(data: readonly unknown[]): WebPage[] {
  return data.flatMap((each) => webSchema.safeParse(each).data ?? []);
}

const onlineSchema = z.looseObject({
  workspace_id: z.string(),
  workspace_name: z.string().catch(""),
  pages: z
    .array(
      z.looseObject({
        page_id: z.string(),
        page_name: z.string().catch(""),
        page_icon: z.looseObject({ type: z.string().optional(), emoji: z.string().optional(), url: z.string().optional() }).nullish().catch(null),
        parent_id: z.string().nullish().catch(null),
        type: z.string().catch("page"),
      }),
    )
    .catch([]),
});

export function workspaces(data: readonly unknown[]): OnlineWorkspace[] {
  return data.flatMap((each): OnlineWorkspace[] => {
    const read = onlineSchema.safeParse(each).data;
    return read ? [{ workspace_id: read.workspace_id, workspace_name: read.workspace_name, pages: read.pages }] : [];
  });
}
