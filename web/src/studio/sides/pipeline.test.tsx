import { configure, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { pipelineOwner } from "../api";
import { StudioBar } from "../bar/StudioBar";
import { edge, graph, node } from "../model/fixtures";
import { kindOf } from "../nodes/registry";
import { connectToServer } from "../serverTransport";
import { updateNode } from "../store/actions";
import { openStudio, useStudio } from "../store/studio";
import { InputsPanel } from "./InputsPanel";
import { PipelineRun } from "./PipelineRun";

configure({ asyncUtilTimeout: 10_000 });
withServer();
connectToServer();

const get = (path: string, body: object | null) => http.get(`*/console/api${path}`, () => HttpResponse.json(body));
const field = (belong_to_node_id: string, variable: string) => ({ belong_to_node_id, variable, label: variable, type: "text-input", required: true });

function document() {
  return graph(
    [
      node("d", "datasource", { title: "File", plugin_id: "langgenius/file", provider_name: "file", provider_type: "local_file", datasource_name: "upload-file", fileExtensions: ["txt"] }),
      node("c", "tool", { tool_name: "general_chunker", tool_parameters: { delimiter: { type: "mixed", value: "{{#rag.shared.cut#}}" } } }),
      node("k", "knowledge-index", { title: "Base", chunk_structure: "text_model", index_chunk_variable_selector: ["c", "result"], indexing_technique: "economy" }),
    ],
    [edge("d", "c"), edge("c", "k")],
    { rag_pipeline_variables: [field("shared", "cut")] },
  );
}

let opened = 0;
beforeEach(() => {
  opened += 1;
  openStudio({ owner: pipelineOwner(`p${opened}`), mode: "rag-pipeline", document: document(), loaded: true, sync: { status: "saved", hash: "h", savedAt: undefined } });
});

const inputs = () => useStudio.getState().document.inputs.map((f) => `${f.belong_to_node_id}.${f.variable}`);
const data = (id: string) => useStudio.getState().document.nodes.get(id)?.data;

function Panel({ id }: { id: string }) {
  const own = useStudio((s) => s.document.nodes.get(id)?.data);
  if (!own) return null;
  const { Panel: Shown } = kindOf(own.type);
  return <Shown id={id} data={own} update={(patch) => updateNode(id, patch)} />;
}

describe("the input fields of a pipeline", { timeout: 60_000 }, () => {
  it("are added to a data source and renamed wherever they are used", async () => {
    show(<InputsPanel />);
    const own = screen.getByRole("region", { name: "Only for File" });
    await userEvent.click(within(own).getByRole("button", { name: /^Add/ }));
    const name = screen.getByLabelText("Variable name");
    await userEvent.clear(name);
    await userEvent.type(name, "cut");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(screen.getByText(/“cut” is there twice/)).toBeVisible();
    await userEvent.type(name, "_own");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(inputs()).toEqual(["shared.cut", "d.cut_own"]);

    await userEvent.click(screen.getByRole("button", { name: "Edit cut" }));
    const again = screen.getByLabelText("Variable name");
    await userEvent.clear(again);
    await userEvent.type(again, "delimiter");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(JSON.stringify(data("c"))).toContain("{{#rag.shared.delimiter#}}");
    expect(useStudio.getState().sync.status).toBe("dirty");
  });

  it("ask before one that is used is deleted", async () => {
    show(<InputsPanel />);
    await userEvent.click(screen.getByRole("button", { name: "Remove cut" }));
    await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Delete" }));
    expect(inputs()).toEqual([]);
  });
});

describe("the panels of a pipeline's own nodes", { timeout: 60_000 }, () => {
  const plugins = [
    { id: "1", provider: "file", plugin_id: "langgenius/file", plugin_unique_identifier: "", is_authorized: true, declaration: { identity: { author: "l", name: "file", label: { en_US: "File" } }, provider_type: "local_file", datasources: [{ identity: { name: "upload-file", label: { en_US: "File" } }, parameters: [] }] } },
    { id: "2", provider: "firecrawl", plugin_id: "langgenius/firecrawl_datasource", plugin_unique_identifier: "", is_authorized: false, declaration: { identity: { author: "l", name: "firecrawl", label: { en_US: "Firecrawl" } }, provider_type: "website_crawl", datasources: [{ identity: { name: "crawl", label: { en_US: "Crawl" } }, parameters: [{ name: "limit", type: "number", form: "llm", required: false, default: 10, label: { en_US: "Most pages" } }] }] } },
  ];
  it("another source is chosen, with its parameters and the want of a key", async () => {
    server.use(get("/rag/pipelines/datasource-plugins", plugins), get("/files/support-type", { allowed_extensions: ["txt", "pdf"] }), get("/auth/plugin/datasource/list", { result: [] }));
    show(<Panel id="d" />);
    await userEvent.click(await screen.findByRole("button", { name: ".pdf" }));
    expect(data("d")?.fileExtensions).toEqual(["txt", "pdf"]);
    await waitFor(() => expect(screen.getByRole("option", { name: "Firecrawl" })).toBeInTheDocument());
    await userEvent.selectOptions(screen.getByLabelText("Source"), "Firecrawl");
    expect(data("d")).toMatchObject({ provider_type: "website_crawl", provider_name: "firecrawl", datasource_parameters: { limit: { type: "constant", value: 10 } } });
    expect(await screen.findByText(/This workspace has no key for it/)).toBeVisible();
    expect(screen.getByRole("spinbutton", { name: "Most pages" })).toHaveValue(10);
  });

  it("the chunks of a knowledge base that need vectors turn economy off", async () => {
    server.use(get("/workspaces/current/models/model-types/text-embedding", { data: [] }), get("/workspaces/current/models/model-types/rerank", { data: [] }));
    show(<Panel id="k" />);
    await userEvent.click(await screen.findByRole("radio", { name: /Parent-child/ }));
    expect(data("k")).toMatchObject({ chunk_structure: "hierarchical_model", indexing_technique: "high_quality", retrieval_model: { search_method: "hybrid_search" } });
    expect(screen.getByRole("radio", { name: /Economy/ })).toBeDisabled();
  });
});

describe("a test run of a pipeline", { timeout: 60_000 }, () => {
  it("takes a file and the fields, and shows the chunks", async () => {
    const ran = vi.fn();
    const id = `p${opened + 1}`;
    openStudio({ owner: pipelineOwner(id), mode: "rag-pipeline", document: document(), loaded: true, sync: { status: "saved", hash: "h", savedAt: undefined } });
    const events = [
      { event: "workflow_started", task_id: "t", workflow_run_id: "r", data: { id: "r", workflow_id: "w", created_at: 1 } },
      { event: "workflow_finished", task_id: "t", workflow_run_id: "r", data: { id: "r", workflow_id: "w", status: "succeeded", outputs: { chunk_structure: "text_model", preview: [{ content: "A chunk of the draft." }], total_segments: 1 }, elapsed_time: 0.2, total_tokens: 0, total_steps: 3, created_at: 1, finished_at: 2 } },
    ];
    server.use(
      get("/files/upload", { file_size_limit: 1, batch_count_limit: 2 }),
      get("/files/support-type", { allowed_extensions: ["txt"] }),
      http.post("*/console/api/files/upload", () => HttpResponse.json({ id: "f1", name: "a.txt", size: 3, extension: "txt" }, { status: 201 })),
      get(`/rag/pipelines/${id}/workflows/draft/processing/parameters`, { variables: [{ ...field("shared", "cut"), label: "Cut at", default_value: "" }] }),
      http.post(`*/console/api/rag/pipelines/${id}/workflows/draft/run`, async ({ request }) => {
        ran(await request.json());
        return new HttpResponse(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""), { headers: { "content-type": "text/event-stream" } });
      }),
    );
    show(<PipelineRun />);
    await screen.findByText(/1 MB for each file at most/);
    const input = screen.getAllByLabelText(/Drop files here/).find((each) => each.tagName === "INPUT");
    if (!(input instanceof HTMLInputElement)) throw new Error("no file input");
    await userEvent.upload(input, [new File(["abc"], "a.txt", { type: "text/plain" })]);
    await waitFor(() => expect(screen.getByRole("button", { name: "Next" })).toBeEnabled());
    await userEvent.click(screen.getByRole("button", { name: "Next" }));
    await userEvent.click(await screen.findByRole("button", { name: "Start run" }));
    await waitFor(() => expect(screen.getByRole("button", { name: "Start run" })).toBeEnabled());
    expect(ran).not.toHaveBeenCalled();
    await userEvent.type(await screen.findByLabelText("Cut at"), "##");
    await userEvent.click(screen.getByRole("button", { name: "Start run" }));
    expect(await screen.findByText("A chunk of the draft.")).toBeVisible();
    expect(ran).toHaveBeenCalledWith({ inputs: { cut: "##" }, datasource_type: "local_file", datasource_info_list: [expect.objectContaining({ related_id: "f1" })], start_node_id: "d" });
  });
});

describe("publishing a pipeline", { timeout: 60_000 }, () => {
  it("ends where documents are added", async () => {
    const added = vi.fn();
    const published = vi.fn();
    const id = `p${opened + 1}`;
    openStudio({ owner: pipelineOwner(id), mode: "rag-pipeline", document: document(), loaded: true, sync: { status: "saved", hash: "h", savedAt: undefined } });
    server.use(
      get(`/rag/pipelines/${id}/workflows/publish`, null),
      http.post(`*/console/api/rag/pipelines/${id}/workflows/publish`, async ({ request }) => {
        published(await request.json());
        return HttpResponse.json({ result: "success", created_at: 1 });
      }),
    );
    show(<StudioBar pipeline={{ name: "Policies", onAdd: added }} />);
    await userEvent.click(screen.getByRole("button", { name: /^Publish/ }));
    const dialog = screen.getByRole("dialog", { name: "Publish" });
    await userEvent.click(within(dialog).getByRole("button", { name: "Publish" }));
    expect(await screen.findByRole("dialog", { name: "Published" })).toBeVisible();
    expect(published).toHaveBeenCalledWith({ marked_name: "", marked_comment: "" });
    await userEvent.click(screen.getByRole("button", { name: "Add documents" }));
    expect(added).toHaveBeenCalled();
  });
});
