import { configure, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { describe, expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { CreatePage } from "./CreatePage";

vi.mock("@tanstack/react-router", async (original) => ({ ...(await original<object>()), ...(await import("../../test/router")) }));

configure({ asyncUtilTimeout: 10_000 });
withServer();

const get = (path: string, body: object) => http.get(`*/console/api${path}`, () => HttpResponse.json(body));

const provider = (id: string, kind: string, credentials: readonly object[]) => ({
  id,
  provider: id.split("/").at(-1),
  label: { en_US: id.split("/").at(-1) },
  provider_type: kind,
  help: "https://example.com",
  oauth: false,
  credential_schema: [],
  credentials_list: credentials,
});

const credential = { id: "k1", name: "API KEY 1", type: "api-key", is_default: true, disabled: false, credential: {} };

const around = [
  get("/files/upload", { file_size_limit: 1, batch_count_limit: 2 }),
  get("/files/support-type", { allowed_extensions: ["txt"] }),
  get("/datasets/process-rule", { mode: "custom", rules: null, limits: {} }),
  get("/workspaces/current/models/model-types/text-embedding", { data: [] }),
  get("/workspaces/current/models/model-types/rerank", { data: [] }),
  get("/workspaces/current/default-model", { data: null }),
];

describe("the wizard's other sources", { timeout: 60_000 }, () => {
  it("says where a source is set up", async () => {
    server.use(...around, get("/auth/plugin/datasource/list", { result: [provider("a/b/firecrawl", "website_crawl", [])] }));
    show(<CreatePage dataset={undefined} onCancel={vi.fn()} onDone={vi.fn()} onTest={vi.fn()} />);
    await userEvent.click(await screen.findByRole("radio", { name: "Website" }));
    expect(await screen.findByRole("link", { name: "Set up data sources" })).toHaveAttribute("href", "/settings/sources");
    await userEvent.click(screen.getByRole("radio", { name: "Notion" }));
    expect(await screen.findByText("Notion is not connected")).toBeVisible();
    expect(screen.getByRole("button", { name: "Next" })).toBeDisabled();
  });

  it("reads a website and takes the pages that are ticked", async () => {
    const asked = vi.fn();
    let looks = 0;
    const page = (number: number) => ({ title: `Page ${number}`, source_url: `https://a.b/${number}`, description: "", markdown: `Text ${number}` });
    server.use(
      ...around,
      get("/auth/plugin/datasource/list", { result: [provider("a/b/firecrawl", "website_crawl", [credential])] }),
      http.post("*/console/api/website/crawl", async ({ request }) => {
        asked(await request.json());
        return HttpResponse.json({ status: "active", job_id: "j", total: 2, current: 0, data: [], time_consuming: 0 });
      }),
      http.get("*/console/api/website/crawl/status/j", () => {
        looks += 1;
        const done = looks > 1;
        return HttpResponse.json({
          status: done ? "completed" : "active",
          job_id: "j",
          total: 2,
          current: looks,
          data: done ? [page(1), page(2)] : [],
          time_consuming: 1,
        });
      }),
      http.post("*/console/api/datasets/indexing-estimate", async ({ request }) => {
        asked(await request.json());
        return HttpResponse.json({ total_segments: 1, preview: [{ content: "Text 2" }], qa_preview: null });
      }),
    );
    show(<CreatePage dataset={undefined} onCancel={vi.fn()} onDone={vi.fn()} onTest={vi.fn()} />);
    await userEvent.click(await screen.findByRole("radio", { name: "Website" }));
    await userEvent.type(await screen.findByLabelText("Address"), "https://a.b");
    await userEvent.click(screen.getByRole("button", { name: "Read the website" }));
    const found = await screen.findByRole("region", { name: "Pages that were found" });
    expect(asked.mock.calls[0]?.[0]).toMatchObject({ provider: "firecrawl", url: "https://a.b", options: { crawl_sub_pages: true, limit: 10 } });
    await userEvent.click(within(found).getByRole("button", { name: "Look at Page 1" }));
    expect(await screen.findByText("Text 1")).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Close" }));
    await userEvent.click(within(found).getByRole("checkbox", { name: /Page 1/ }));
    await userEvent.click(screen.getByRole("button", { name: "Next" }));
    expect(await screen.findByText("Text 2")).toBeVisible();
    await waitFor(() =>
      expect(asked.mock.calls.at(-1)?.[0]).toMatchObject({
        info_list: {
          data_source_type: "website_crawl",
          website_info_list: { provider: "firecrawl", job_id: "j", urls: ["https://a.b/2"], only_main_content: true },
        },
      }),
    );
  });

  it("takes pages of Notion that are not here yet", async () => {
    const one = (page_id: string, page_name: string, is_bound: boolean) => ({ page_id, page_name, page_icon: null, parent_id: "root", type: "page", is_bound });
    const estimate = vi.fn();
    server.use(
      ...around,
      get("/auth/plugin/datasource/list", { result: [provider("a/b/notion_datasource", "online_document", [credential])] }),
      get("/notion/pre-import/pages", {
        notion_info: [{ workspace_name: "Zoo", workspace_id: "w", pages: [one("p1", "Owls", false), one("p2", "Foxes", true)] }],
      }),
      http.post("*/console/api/datasets/indexing-estimate", async ({ request }) => {
        estimate(await request.json());
        return HttpResponse.json({ total_segments: 1, preview: [{ content: "Owls sleep." }], qa_preview: null });
      }),
    );
    show(<CreatePage dataset={undefined} onCancel={vi.fn()} onDone={vi.fn()} onTest={vi.fn()} />);
    await userEvent.click(await screen.findByRole("radio", { name: "Notion" }));
    expect(await screen.findByRole("checkbox", { name: /Foxes/ })).toBeDisabled();
    await userEvent.click(screen.getByRole("checkbox", { name: /Owls/ }));
    await userEvent.click(screen.getByRole("button", { name: "Next" }));
    expect(await screen.findByText("Owls sleep.")).toBeVisible();
    expect(estimate.mock.calls[0]?.[0]).toMatchObject({
      info_list: { data_source_type: "notion_import", notion_info_list: [{ credential_id: "k1", workspace_id: "w", pages: [{ page_id: "p1" }] }] },
    });
  });
});
