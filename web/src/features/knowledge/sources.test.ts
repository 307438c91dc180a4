import { describe, expect, it } from "vitest";
import type { NotionPage } from "../../data/sources";
import { pickedFiles, pickedNotion, pickedPages, treeOf } from "./sources";

const page = (page_id: string, parent_id = "root"): NotionPage => ({
  page_id,
  page_name: page_id.toUpperCase(),
  page_icon: null,
  parent_id,
  type: "page",
  is_bound: false,
});

describe("sources of documents", () => {
  it("are said as requests say them", () => {
    expect(pickedFiles([{ id: "f", name: "a.txt" }]).info(["f"])).toEqual({ data_source_type: "upload_file", file_info_list: { file_ids: ["f"] } });
    const crawled = ["https://a/1", "https://a/2"].map((source_url) => ({ source_url, title: "", description: "", markdown: "x" }));
    const website = pickedPages({ provider: "firecrawl", job: "j", main: true, pages: crawled, chosen: ["https://a/2"] });
    expect(website.items).toEqual([{ id: "https://a/2", name: "https://a/2" }]);
    expect(website.info(["https://a/2"])).toEqual({
      data_source_type: "website_crawl",
      website_info_list: { provider: "firecrawl", job_id: "j", urls: ["https://a/2"], only_main_content: true },
    });
    const notion = pickedNotion({ credential: "c", workspace: "w", pages: [page("a"), page("b")] });
    expect(notion.info(["b"])).toEqual({
      data_source_type: "notion_import",
      notion_info_list: [{ credential_id: "c", workspace_id: "w", pages: [{ page_id: "b", page_name: "B", page_icon: null, type: "page" }] }],
    });
    expect(pickedPages(undefined).items).toEqual([]);
  });

  it("stand under their parents, also where those are not shown", () => {
    const rows = treeOf([page("a"), page("c", "b"), page("b", "a"), page("x", "gone"), page("l", "m"), page("m", "l")]);
    expect(rows.map(({ page: one, depth }) => `${one.page_id}${depth}`)).toEqual(["a0", "b1", "c2", "x0", "l0", "m0"]);
  });
});
