/** What documents are made of, as the wizard chooses it and as requests say it. */
import type { CrawledPage, NotionPage } from "../../data/sources";

export type SourceKind = "files" | "website" | "notion";

export interface SourceItem {
  readonly id: string;
  readonly name: string;
}

/** The part of a request that names sources. */
export type InfoList =
  | { readonly data_source_type: "upload_file"; readonly file_info_list: { readonly file_ids: readonly string[] } }
  | {
      readonly data_source_type: "website_crawl";
      readonly website_info_list: { readonly provider: string; readonly job_id: string; readonly urls: readonly string[]; readonly only_main_content: boolean };
    }
  | {
      readonly data_source_type: "notion_import";
      readonly notion_info_list: readonly {
        readonly credential_id: string;
        readonly workspace_id: string;
        readonly pages: readonly Pick<NotionPage, "page_id" | "page_name" | "page_icon" | "type">[];
      }[];
    };

export interface Picked {
  readonly items: readonly SourceItem[];
  readonly info: (ids: readonly string[]) => InfoList;
}

/** Pages of a crawl that were ticked. */
export interface WebsitePick {
  readonly provider: string;
  readonly job: string;
  readonly main: boolean;
  readonly pages: readonly CrawledPage[];
  readonly chosen: readonly string[];
}

/** Pages of Notion that were ticked. */
export interface NotionPick {
  readonly credential: string;
  readonly workspace: string;
  readonly pages: readonly NotionPage[];
}

export function pickedFiles(items: readonly SourceItem[]): Picked {
  return { items, info: (ids) => ({ data_source_type: "upload_file", file_info_list: { file_ids: ids } }) };
}

export function pickedPages(pick: WebsitePick | undefined): Picked {
  const pages = pick?.pages.filter((page) => pick.chosen.includes(page.source_url)) ?? [];
  return {
    items: pages.map((page) => ({ id: page.source_url, name: page.title || page.source_url })),
    info: (urls) => ({
      data_source_type: "website_crawl",
      website_info_list: { provider: pick?.provider ?? "", job_id: pick?.job ?? "", urls, only_main_content: pick?.main ?? false },
    }),
  };
}

export function pickedNotion(pick: NotionPick | undefined): Picked {
  const pages = pick?.pages ?? [];
  return {
    items: pages.map((page) => ({ id: page.page_id, name: page.page_name })),
    info: (ids) => ({
      data_source_type: "notion_import",
      notion_info_list: [
        {
          credential_id: pick?.credential ?? "",
          workspace_id: pick?.workspace ?? "",
          pages: pages.filter((page) => ids.includes(page.page_id)).map(({ page_id, page_name, page_icon, type }) => ({ page_id, page_name, page_icon, type })),
        },
      ],
    }),
  };
}

/** Pages under their parents, each with how deep it is; what has no parent here is at the top. */
export function treeOf(pages: readonly NotionPage[]): readonly { readonly page: NotionPage; readonly depth: number }[] {
  const known = new Set(pages.map((page) => page.page_id));
  const under = new Map<string, NotionPage[]>();
  for (const page of pages) {
    const parent = known.has(page.parent_id) ? page.parent_id : "root";
    under.set(parent, [...(under.get(parent) ?? []), page]);
  }
  const out: { page: NotionPage; depth: number }[] = [];
  const seen = new Set<string>();
  const walk = (parent: string, depth: number) => {
    for (const page of under.get(parent) ?? []) {
      if (seen.has(page.page_id)) continue;
      seen.add(page.page_id);
      out.push({ page, depth });
      walk(page.page_id, depth + 1);
    }
  };
  walk("root", 0);
  // Pages that are each other's parents are shown all the same.
  for (const page of pages) if (!seen.has(page.page_id)) out.push({ page, depth: 0 });
  return out;
}
