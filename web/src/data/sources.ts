/** Services that documents come from beside files: their credentials, crawls of websites, pages of Notion. Drives are looked into by pipelines. */
import { queryOptions } from "@tanstack/react-query";
import type { Localised } from "../lib/format";
import { get, post } from "../lib/http";

export interface SourceField {
  readonly name: string;
  readonly type: "secret-input" | "text-input";
  readonly required: boolean;
  readonly default: string | null;
  readonly label: Localised;
}

export interface SourceCredential {
  readonly id: string;
  readonly name: string;
  readonly type: "api-key" | "oauth2";
  readonly is_default: boolean;
  readonly disabled: boolean;
  /** Secrets are masked. */
  readonly credential: Readonly<Record<string, string>>;
  readonly workspace?: { readonly workspace_name?: string; readonly workspace_id?: string } | null;
}

export interface SourceProvider {
  /** `author/plugin/provider` */
  readonly id: string;
  readonly provider: string;
  readonly label: Localised;
  readonly provider_type: "online_document" | "online_drive" | "website_crawl";
  readonly help: string;
  /** It can be signed in at. */
  readonly oauth: boolean;
  readonly credential_schema: readonly SourceField[];
  readonly credentials_list: readonly SourceCredential[];
}

export const sourceProviders = queryOptions({
  queryKey: ["sources", "providers"],
  queryFn: async () => (await get<{ result: readonly SourceProvider[] }>("/auth/plugin/datasource/list")).result,
  staleTime: 30_000,
});

const of = (provider: SourceProvider) => `/auth/plugin/datasource/${provider.id}`;

export interface CredentialFields {
  readonly name?: string;
  readonly credentials: Readonly<Record<string, string>>;
}

export const addCredential = (provider: SourceProvider, fields: CredentialFields) => post(of(provider), fields);
export const changeCredential = (provider: SourceProvider, id: string, fields: CredentialFields) =>
  post(`${of(provider)}/update`, { credential_id: id, ...fields });
export const deleteCredential = (provider: SourceProvider, id: string) => post(`${of(provider)}/delete`, { credential_id: id });
export const makeDefault = (provider: SourceProvider, id: string) => post(`${of(provider)}/default`, { id });
/** Where to sign in; `internal` when it is done. */
export const connectNotion = () => get<{ data: string }>("/oauth/data-source/notion");

// ---- websites

export interface CrawlOptions {
  readonly crawl_sub_pages: boolean;
  readonly only_main_content: boolean;
  readonly includes: string;
  readonly excludes: string;
  readonly limit: number;
  readonly max_depth: number | null;
  readonly use_sitemap: boolean;
}

export interface CrawledPage {
  readonly title: string;
  readonly source_url: string;
  readonly description: string;
  readonly markdown: string;
}

export interface Crawl {
  readonly status: "active" | "completed";
  readonly job_id: string;
  readonly total: number;
  readonly current: number;
  readonly data: readonly CrawledPage[];
  /** Seconds. */
  readonly time_consuming: number;
}

export const startCrawl = (provider: string, url: string, options: CrawlOptions) => post<Crawl>("/website/crawl", { provider, url, options });
export const crawlStatus = (provider: string, job: string) =>
  queryOptions({
    queryKey: ["sources", "crawl", provider, job],
    queryFn: () => get<Crawl>(`/website/crawl/status/${encodeURIComponent(job)}`, { provider }),
    refetchInterval: (query) => (query.state.data?.status === "completed" || query.state.error ? false : 1500),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });

// ---- Notion

export interface NotionPage {
  readonly page_id: string;
  readonly page_name: string;
  readonly page_icon: { readonly type: string; readonly emoji?: string; readonly url?: string } | null;
  readonly parent_id: string;
  readonly type: "page" | "database";
  readonly is_bound: boolean;
}

export interface NotionWorkspace {
  readonly workspace_name: string;
  readonly workspace_id: string;
  readonly pages: readonly NotionPage[];
}

export const notionPages = (credential: string, dataset: string | undefined) =>
  queryOptions({
    queryKey: ["sources", "notion", credential, dataset ?? ""],
    queryFn: async () =>
      (await get<{ notion_info: readonly NotionWorkspace[] }>("/notion/pre-import/pages", { credential_id: credential, dataset_id: dataset })).notion_info[0],
    staleTime: 60_000,
    retry: false,
  });

export const notionText = (credential: string, page: Pick<NotionPage, "page_id" | "type">) =>
  queryOptions({
    queryKey: ["sources", "notion-text", credential, page.page_id],
    queryFn: async () => (await get<{ content: string }>(`/notion/pages/${page.page_id}/${page.type}/preview`, { credential_id: credential })).content,
    staleTime: 60_000,
    retry: false,
  });
