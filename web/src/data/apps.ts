/** Apps and what belongs to them: tags, keys, site, versions, imports. */
import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import type { Schema } from "../api/types";
import { get, json, patch, post, put, remove } from "../lib/http";

export type Mode = "workflow" | "advanced-chat" | "chat" | "agent-chat" | "completion";
export const MODES: readonly Mode[] = ["workflow", "advanced-chat", "chat", "agent-chat", "completion"];
/** What can be created here, in the order they are offered in. */
export const CREATABLE: readonly Mode[] = ["workflow", "advanced-chat", "chat", "agent-chat", "completion"];

export type Tag = Schema<"AppTag"> & Partial<Pick<Schema<"Label">, "binding_count">>;

/** `workflow` is null until something is published. */
export type AppItem = Omit<Schema<"AppItem">, "mode" | "model_config" | "workflow"> & {
  readonly mode: Mode;
  readonly workflow: { readonly id?: string; readonly updated_at?: number; readonly created_at?: number } | null;
};

export type Site = Schema<"SiteView">;

export type AppDetail = AppItem &
  Pick<Schema<"AppDetail">, "api_base_url"> & {
    readonly site: Site | null;
    readonly model_config: Record<string, unknown> | null;
  };

export interface AppFilter {
  readonly name?: string | undefined;
  readonly mode?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly mine?: boolean | undefined;
}

interface Page<T> {
  readonly page: number;
  readonly limit: number;
  readonly total: number;
  readonly has_more: boolean;
  readonly data: readonly T[];
}

export function isGraph(mode: Mode): boolean {
  return mode === "workflow" || mode === "advanced-chat";
}

export const appList = (filter: AppFilter) =>
  infiniteQueryOptions({
    queryKey: ["apps", "list", filter],
    queryFn: ({ pageParam }) =>
      get<Page<AppItem>>("/apps", {
        page: pageParam,
        limit: 50,
        name: filter.name,
        mode: filter.mode,
        tag_ids: filter.tags?.join(","),
        is_created_by_me: filter.mine ? true : undefined,
      }),
    initialPageParam: 1,
    getNextPageParam: (last) => (last.page * last.limit < last.total ? last.page + 1 : undefined),
    placeholderData: (before) => before,
  });

/** The first hundred, for the palette and the switcher. */
export const allApps = queryOptions({ queryKey: ["apps", "all"], queryFn: () => get<Page<AppItem>>("/apps", { page: 1, limit: 100 }), staleTime: 30_000 });
export const appDetail = (id: string) => queryOptions({ queryKey: ["apps", "one", id], queryFn: () => get<AppDetail>(`/apps/${id}`), staleTime: 30_000 });
/** What can have tags. */
export type Tagged = "app" | "knowledge";
export const tagsOf = (type: Tagged) => queryOptions({ queryKey: ["tags", type], queryFn: () => get<Schema<"Label">[]>("/tags", { type }) });
export const tagList = tagsOf("app");

/** What callers did with an app in the last hours; numbers are null where nothing ran. */
export interface Figures {
  readonly app_id: string;
  readonly runs: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly success_rate: number | null;
  readonly p95_seconds: number | null;
  readonly total_tokens: number;
  readonly total_price: string;
  readonly currency: string;
  readonly per_hour: readonly number[];
  /** As many hours right before, where asked for. */
  readonly before?: Omit<Figures, "app_id" | "per_hour" | "before"> | null;
}

const MOST_FIGURES = 100;

export const appFigures = (ids: readonly string[], hours: number, before = false) =>
  queryOptions({
    queryKey: ["figures", hours, ids, before],
    queryFn: async () => {
      const parts: string[][] = [];
      for (let at = 0; at < ids.length; at += MOST_FIGURES) parts.push(ids.slice(at, at + MOST_FIGURES));
      const answers = await Promise.all(
        parts.map((part) => get<{ data: Figures[] }>("/apps/figures", { ids: part.join(","), hours, ...(before ? { before } : {}) })),
      );
      return new Map(answers.flatMap((answer) => answer.data.map((each) => [each.app_id, each] as const)));
    },
    enabled: ids.length > 0,
    staleTime: 30_000,
    refetchInterval: 60_000,
    placeholderData: (before) => before,
  });

export interface AppFields {
  readonly name: string;
  readonly description?: string;
  readonly mode?: Mode;
  readonly icon_type?: string;
  readonly icon?: string;
  readonly icon_background?: string;
}

export type ImportResult = Omit<Schema<"ImportView">, "status" | "app_mode"> & {
  readonly status: "completed" | "completed-with-warnings" | "pending" | "failed";
  readonly app_mode?: Mode | null;
  /** What the file needs that is not here, and what was read differently. */
  readonly warnings?: readonly { readonly code?: string; readonly message: string; readonly node_id?: string | null }[];
};

export interface Missing {
  readonly type: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly current_identifier: string | null;
}

export const createApp = (fields: AppFields) => post<AppDetail>("/apps", fields);
export const updateApp = (id: string, fields: AppFields) => put<AppDetail>(`/apps/${id}`, fields);
export const deleteApp = (id: string) => remove(`/apps/${id}`);
export const copyApp = (id: string, fields: AppFields) => post<AppDetail>(`/apps/${id}/copy`, fields);
export const exportApp = (id: string, secrets: boolean) => get<{ data: string }>(`/apps/${id}/export`, { include_secret: secrets });
export const importApp = (body: { mode: "yaml-content" | "yaml-url"; yaml_content?: string; yaml_url?: string }) => post<ImportResult>("/apps/imports", body);
/** What became of a description; `unusable` comes with the model's answer and what is wrong with it. */
export interface Described {
  readonly status: "completed" | "unusable";
  readonly app_id: string | null;
  readonly app_mode: Mode | null;
  readonly problems: readonly string[];
  readonly answer: string;
}
export const describeApp = (description: string, signal: AbortSignal) => json<Described>("/apps/describe", { method: "POST", body: { description }, signal });
export const confirmImport = (id: string) => post<ImportResult>(`/apps/imports/${id}/confirm`);
export const missingDependencies = (appId: string) => get<{ leaked_dependencies: Missing[] }>(`/apps/imports/${appId}/check-dependencies`);

export const createTag = (type: Tagged, name: string) => post<Schema<"Label">>("/tags", { name, type });
export const renameTag = (type: Tagged, id: string, name: string) => patch<Schema<"Label">>(`/tags/${id}`, { name, type });
export const deleteTag = (id: string) => remove(`/tags/${id}`);
export const bindTag = (type: Tagged, tagId: string, id: string) => post("/tag-bindings/create", { tag_ids: [tagId], target_id: id, type });
export const unbindTag = (type: Tagged, tagId: string, id: string) => post("/tag-bindings/remove", { tag_id: tagId, target_id: id, type });

export type ApiKey = Schema<"KeyView">;

export const apiKeys = (id: string) => queryOptions({ queryKey: ["apps", "keys", id], queryFn: () => get<{ data: ApiKey[] }>(`/apps/${id}/api-keys`) });
export const createKey = (id: string) => post<ApiKey>(`/apps/${id}/api-keys`);
export interface KeyLimits {
  /** 0 is unlimited. */
  readonly requests_per_minute: number;
  readonly concurrent_runs: number;
  /** `null` is every operation. */
  readonly scopes: readonly string[] | null;
}
export const limitKey = (id: string, key: string, limits: KeyLimits) => put<ApiKey>(`/apps/${id}/api-keys/${key}`, limits);
export const deleteKey = (id: string, key: string) => remove(`/apps/${id}/api-keys/${key}`);
/** The app as a tool for models elsewhere; every field is null where there is no server. */
export type McpServer = Omit<Schema<"McpServerView">, "parameters"> & { readonly parameters?: Readonly<Record<string, string>> | null };

export const mcpServer = (id: string) => queryOptions({ queryKey: ["apps", "mcp", id], queryFn: () => get<McpServer>(`/apps/${id}/server`) });
export interface McpSettings {
  readonly description: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly status?: "active" | "inactive";
}
export const createMcpServer = (id: string, settings: McpSettings) => post<McpServer>(`/apps/${id}/server`, settings);
export const updateMcpServer = (id: string, server: string, settings: McpSettings) => put<McpServer>(`/apps/${id}/server`, { id: server, ...settings });
export const refreshMcpServer = (server: string) => get<McpServer>(`/apps/${server}/server/refresh`);
export const changeSite = (id: string, body: Record<string, unknown>) => post<Site>(`/apps/${id}/site`, body);
/** The id of a picture that was uploaded. */
export function uploadPicture(file: File): Promise<{ id: string; source_url?: string }> {
  const form = new FormData();
  form.append("file", file);
  return json("/files/upload", { method: "POST", body: form });
}

export type PageAccessMode = "public" | "private_all" | "private";
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

/** Who may open the published page. */
export const pageAccess = (id: string) =>
  queryOptions({
    queryKey: ["apps", "access", id],
    queryFn: async () => {
      const [mode, people, all] = await Promise.all([
        get<{ accessMode: PageAccessMode }>("/enterprise/webapp/app/access-mode", { appId: id }),
        get<{ members: Person[] }>("/enterprise/webapp/app/subjects", { appId: id }),
        get<{ subjects: { accountData: Person }[] }>("/enterprise/webapp/app/subject/search", { resultsPerPage: 100 }),
      ]);
      return { mode: mode.accessMode, chosen: people.members.map((person) => person.id), people: all.subjects.map((subject) => subject.accountData) };
    },
  });
export const setPageAccess = (id: string, mode: PageAccessMode, people: readonly string[]) =>
  post("/enterprise/webapp/app/access-mode", {
    appId: id,
    accessMode: mode,
    subjects: mode === "private" ? people.map((person) => ({ subjectId: person, subjectType: "account" })) : [],
  });

export const enableSite = (id: string, on: boolean) => post<AppDetail>(`/apps/${id}/site-enable`, { enable_site: on });
export const enableApi = (id: string, on: boolean) => post<AppDetail>(`/apps/${id}/api-enable`, { enable_api: on });
export const resetSiteCode = (id: string) => post<Site>(`/apps/${id}/site/access-token-reset`);

export type Version = Pick<Schema<"WorkflowView">, "id" | "version" | "marked_name" | "marked_comment" | "created_at" | "created_by"> & {
  readonly graph?: { readonly nodes?: readonly { readonly data?: Record<string, unknown> }[] };
};

export const publishedVersion = (id: string) =>
  queryOptions({ queryKey: ["apps", "published", id], queryFn: () => get<Version | null>(`/apps/${id}/workflows/publish`) });
export const saveModelConfig = (id: string, config: unknown) => json(`/apps/${id}/model-config`, { method: "POST", body: config });

/** Runs a change and reads the lists again. */
export function useAppChange<Args, Result>(run: (args: Args) => Promise<Result>) {
  const client = useQueryClient();
  // Explore and the rail name the same apps.
  const again = () => Promise.all([client.invalidateQueries({ queryKey: ["apps"] }), client.invalidateQueries({ queryKey: ["explore"] })]);
  return useMutation({ mutationFn: run, onSuccess: again });
}

/** The address of the published page. */
export function siteUrl(app: Pick<AppDetail, "mode" | "site">): string {
  const kind = app.mode === "workflow" || app.mode === "completion" ? app.mode : "chat";
  const base = app.site?.app_base_url || window.location.origin;
  return `${base.replace(/\/$/, "")}/${kind}/${app.site?.code ?? app.site?.access_token ?? ""}`;
}
