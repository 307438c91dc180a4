import { configure, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { describe, expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import type { Dataset } from "../knowledge/types";
import { AddPage } from "./AddPage";
import { ConvertSection } from "./ConvertSection";
import { CreatePipelinePage } from "./CreatePage";
import { ReprocessPage } from "./ReprocessPage";

vi.mock("@tanstack/react-router", async (original) => ({ ...(await original<object>()), ...(await import("../../test/router")) }));

configure({ asyncUtilTimeout: 10_000 });
withServer();

const get = (path: string, body: object | null) => http.get(`*/console/api${path}`, () => HttpResponse.json(body));
const stream = (...events: readonly object[]) =>
  new HttpResponse(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""), { headers: { "content-type": "text/event-stream" } });

const template = {
  id: "t1",
  name: "General",
  description: "Texts of files",
  icon: { icon_type: "emoji", icon: "📄" },
  position: 1,
  chunk_structure: "text_model",
};
const detail = {
  ...template,
  export_data: "kind: rag_pipeline",
  created_by: null,
  graph: { nodes: [{ id: "d", type: "custom", position: { x: 0, y: 0 }, data: { type: "datasource", title: "File" } }], edges: [] },
};

describe("a knowledge base from a pipeline", { timeout: 60_000 }, () => {
  it("is made of a template that was looked at", async () => {
    const sent = vi.fn();
    const made = vi.fn();
    server.use(
      http.get("*/console/api/rag/pipeline/templates", ({ request }) => {
        const type = new URL(request.url).searchParams.get("type");
        return HttpResponse.json({ pipeline_templates: type === "built-in" ? [template] : [] });
      }),
      get("/rag/pipeline/templates/t1", detail),
      http.post("*/console/api/rag/pipeline/dataset", async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json({ id: "i", status: "completed", pipeline_id: "p", dataset_id: "ds", error: "" }, { status: 201 });
      }),
    );
    show(<CreatePipelinePage onMade={made} />);
    await userEvent.click(await screen.findByRole("button", { name: "General" }));
    const dialog = await screen.findByRole("dialog", { name: "General" });
    expect(await within(dialog).findByRole("img", { name: "Graph of General" })).toHaveTextContent("File");
    await userEvent.click(within(dialog).getByRole("button", { name: "Use this template" }));
    await waitFor(() => expect(made).toHaveBeenCalledWith("ds"));
    expect(sent).toHaveBeenCalledWith({ yaml_content: "kind: rag_pipeline" });
    await userEvent.click(within(dialog).getByRole("button", { name: "Cancel" }));
    await userEvent.click(screen.getByRole("radio", { name: "Customized" }));
    expect(await screen.findByText("No templates")).toBeVisible();
  });

  it("says why there are no templates, and asks again", async () => {
    let broken = true;
    server.use(
      http.get("*/console/api/rag/pipeline/templates", () =>
        broken ? HttpResponse.json({ code: "x", message: "The shelf is empty." }, { status: 500 }) : HttpResponse.json({ pipeline_templates: [template] }),
      ),
    );
    show(<CreatePipelinePage onMade={vi.fn()} />);
    expect(await screen.findByText("The shelf is empty.")).toBeVisible();
    broken = false;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("button", { name: "General" })).toBeVisible();
  });

  it("renames and deletes templates of the workspace", async () => {
    const changed = vi.fn();
    const gone = vi.fn();
    server.use(
      get("/rag/pipeline/templates", { pipeline_templates: [template] }),
      http.patch("*/console/api/rag/pipeline/customized/templates/t1", async ({ request }) => {
        changed(await request.json());
        return HttpResponse.json({ result: "success" });
      }),
      http.delete("*/console/api/rag/pipeline/customized/templates/t1", () => {
        gone();
        return new HttpResponse(null, { status: 204 });
      }),
    );
    show(<CreatePipelinePage onMade={vi.fn()} />);
    await userEvent.click(await screen.findByRole("radio", { name: "Customized" }));
    await userEvent.click(await screen.findByRole("button", { name: "Actions of General" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Name and notes" }));
    const name = screen.getByLabelText("Name");
    await userEvent.clear(name);
    await userEvent.type(name, "Ours");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(changed).toHaveBeenCalledWith(expect.objectContaining({ name: "Ours", description: "Texts of files" })));
    await userEvent.click(await screen.findByRole("button", { name: "Actions of General" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Delete" }));
    await userEvent.click(within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Delete" }));
    await waitFor(() => expect(gone).toHaveBeenCalled());
  });

  it("asks before a file of a newer version is taken", async () => {
    const made = vi.fn();
    const answer = { id: "imp", pipeline_id: null, dataset_id: null, current_dsl_version: "0.1.0", imported_dsl_version: "9.0.0", error: "" };
    server.use(
      get("/rag/pipeline/templates", { pipeline_templates: [] }),
      http.post("*/console/api/rag/pipelines/imports", () => HttpResponse.json({ ...answer, status: "pending" }, { status: 202 })),
      http.post("*/console/api/rag/pipelines/imports/imp/confirm", () =>
        HttpResponse.json({ ...answer, status: "completed", pipeline_id: "p", dataset_id: "ds" }),
      ),
    );
    show(<CreatePipelinePage onMade={made} />);
    await userEvent.click(screen.getByRole("button", { name: "Import a file" }));
    await userEvent.click(screen.getByRole("radio", { name: "Text" }));
    await userEvent.type(screen.getByLabelText("Content of the file"), "kind: rag_pipeline");
    await userEvent.click(screen.getByRole("button", { name: "Import" }));
    expect(await screen.findByText("Written by a newer version")).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Import anyway" }));
    await userEvent.click(await screen.findByRole("button", { name: "Open the pipeline" }));
    expect(made).toHaveBeenCalledWith("ds");
  });
});

const dataset: Dataset = {
  id: "ds",
  name: "Policies",
  description: "",
  provider: "vendor",
  permission: "only_me",
  data_source_type: null,
  indexing_technique: "economy",
  app_count: 0,
  document_count: 1,
  word_count: 1,
  created_by: "a",
  created_at: 1,
  updated_at: 1,
  embedding_model: null,
  embedding_model_provider: null,
  retrieval_model_dict: null,
  tags: [],
  doc_form: "text_model",
  runtime_mode: "rag_pipeline",
  pipeline_id: "p",
  is_published: true,
};
const source = (id: string, title: string, provider_type: string, provider_name: string) => ({
  id,
  data: { type: "datasource", title, provider_type, provider_name, plugin_id: `x/${provider_name}`, fileExtensions: ["txt"] },
});
const published = (...nodes: readonly object[]) => get("/rag/pipelines/p/workflows/publish", { id: "w", graph: { nodes, edges: [] } });
const field = { belong_to_node_id: "shared", type: "number", label: "Longest chunk", variable: "max", required: true, default_value: 500 };
const limits = [get("/files/upload", { file_size_limit: 1, batch_count_limit: 2 }), get("/files/support-type", { allowed_extensions: ["txt", "pdf"] })];

describe("documents through a pipeline", { timeout: 60_000 }, () => {
  it("says that the pipeline is not published", async () => {
    const open = vi.fn();
    server.use(get("/rag/pipelines/p/workflows/publish", null));
    show(<AddPage dataset={dataset} onCancel={vi.fn()} onDone={vi.fn()} onTest={vi.fn()} onPipeline={open} />);
    expect(await screen.findByText("The pipeline is not published")).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Open the pipeline" }));
    expect(open).toHaveBeenCalled();
  });

  it("goes from a file over the fields and the preview to the documents", async () => {
    const ran = vi.fn();
    server.use(
      ...limits,
      published(source("d", "File", "local_file", "file")),
      http.post("*/console/api/files/upload", () => HttpResponse.json({ id: "f1", name: "a.txt", size: 3, extension: "txt" }, { status: 201 })),
      get("/rag/pipelines/p/workflows/published/processing/parameters", { variables: [field] }),
      http.post("*/console/api/rag/pipelines/p/workflows/published/run", async ({ request }) => {
        const body = await request.json();
        ran(body);
        const preview = typeof body === "object" && body !== null && Reflect.get(body, "is_preview") === true;
        return preview
          ? HttpResponse.json({
              task_id: "t",
              workflow_run_id: "r",
              data: {
                id: "r",
                status: "succeeded",
                error: null,
                outputs: { chunk_structure: "text_model", preview: [{ content: "First chunk." }], total_segments: 3 },
              },
            })
          : HttpResponse.json({
              batch: "b",
              dataset: { id: "ds", name: "Policies" },
              documents: [{ id: "doc", position: 1, name: "a.txt", indexing_status: "waiting", error: null }],
            });
      }),
      get("/datasets/ds/batch/b/indexing-status", {
        data: [{ id: "doc", indexing_status: "completed", error: null, completed_segments: 3, total_segments: 3 }],
      }),
    );
    const done = vi.fn();
    show(<AddPage dataset={dataset} onCancel={vi.fn()} onDone={done} onTest={vi.fn()} />);
    await screen.findByText(/1 MB for each file at most\. txt$/);
    const input = screen.getAllByLabelText(/Drop files here/).find((each) => each.tagName === "INPUT");
    if (!(input instanceof HTMLInputElement)) throw new Error("no file input");
    await userEvent.upload(input, [new File(["abc"], "a.txt", { type: "text/plain" }), new File(["x"], "b.pdf")], { applyAccept: false });
    expect(screen.getByText("Files of this kind cannot be read.")).toBeVisible();
    await waitFor(() => expect(screen.getByRole("button", { name: "Next" })).toBeEnabled());
    await userEvent.click(screen.getByRole("button", { name: "Next" }));
    const most = await screen.findByLabelText("Longest chunk");
    expect(most).toHaveValue(500);
    await userEvent.clear(most);
    await userEvent.click(screen.getByRole("button", { name: /Save and process/ }));
    expect(await screen.findByText("This is needed.")).toBeVisible();
    await userEvent.type(most, "200");
    await userEvent.click(screen.getByRole("button", { name: "Preview chunks" }));
    expect(await screen.findByText("First chunk.")).toBeVisible();
    const run = {
      inputs: { max: 200 },
      datasource_type: "local_file",
      start_node_id: "d",
      datasource_info_list: [expect.objectContaining({ related_id: "f1", name: "a.txt" })],
    };
    expect(ran).toHaveBeenLastCalledWith({ ...run, is_preview: true, response_mode: "blocking" });
    await userEvent.click(screen.getByRole("button", { name: /Save and process/ }));
    expect(await screen.findByText("1 of 1 document is ready.")).toBeVisible();
    expect(ran).toHaveBeenLastCalledWith({ ...run, is_preview: false, response_mode: "blocking" });
    await userEvent.click(screen.getByRole("button", { name: "Go to documents" }));
    expect(done).toHaveBeenCalled();
  });

  it("reads a website with the account of the workspace and takes pages of it", async () => {
    const asked = vi.fn();
    let answers = 0;
    server.use(
      published(source("d", "File", "local_file", "file"), source("w", "Web", "website_crawl", "firecrawl")),
      ...limits,
      get("/auth/plugin/datasource/list", {
        result: [
          {
            id: "x/firecrawl/firecrawl",
            provider: "firecrawl",
            label: { en_US: "Firecrawl" },
            provider_type: "website_crawl",
            credentials_list: [{ id: "k1", name: "Key", is_default: true, disabled: false, type: "api-key", credential: {} }],
          },
        ],
      }),
      get("/rag/pipelines/p/workflows/published/pre-processing/parameters", {
        variables: [{ ...field, type: "text-input", label: "Address", variable: "url", default_value: "" }],
      }),
      http.post("*/console/api/rag/pipelines/p/workflows/published/datasource/nodes/w/run", async ({ request }) => {
        asked(await request.json());
        answers += 1;
        if (answers === 1) return stream({ event: "datasource_processing", total: 2, completed: 1 }, { event: "datasource_error", error: "The key is wrong." });
        const page = (number: number) => ({ title: `Page ${number}`, source_url: `https://a/${number}`, description: "", content: `Text ${number}` });
        return stream({ event: "datasource_completed", data: [page(1), page(2)], time_consuming: 1 });
      }),
      get("/rag/pipelines/p/workflows/published/processing/parameters", { variables: [] }),
    );
    show(<AddPage dataset={dataset} onCancel={vi.fn()} onDone={vi.fn()} onTest={vi.fn()} />);
    await userEvent.click(await screen.findByRole("radio", { name: "Web" }));
    await userEvent.click(await screen.findByRole("button", { name: "Read the website" }));
    expect(screen.getByText("This is needed.")).toBeVisible();
    await userEvent.type(screen.getByLabelText("Address"), "https://a");
    await userEvent.click(screen.getByRole("button", { name: "Read the website" }));
    expect(await screen.findByText("The key is wrong.")).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    await userEvent.click(await screen.findByRole("checkbox", { name: /Page 2/ }));
    expect(asked).toHaveBeenLastCalledWith({ inputs: { url: "https://a" }, datasource_type: "website_crawl", credential_id: "k1" });
    await userEvent.click(screen.getByRole("button", { name: "Next" }));
    expect(await screen.findByText("This pipeline asks for nothing more.")).toBeVisible();
    expect(screen.getByRole("button", { name: /Page 2/ })).toBeVisible();
  });
});

describe("files of a drive", { timeout: 60_000 }, () => {
  const key = { id: "k1", name: "Store", is_default: true, disabled: false, type: "api-key", credential: {} };
  const drive = (credentials: readonly object[]) => [
    published(source("s", "Store", "online_drive", "aws_s3_storage")),
    ...limits,
    get("/auth/plugin/datasource/list", {
      result: [
        {
          id: "x/aws_s3_storage/aws_s3_storage",
          provider: "aws_s3_storage",
          label: { en_US: "S3" },
          provider_type: "online_drive",
          credentials_list: credentials,
        },
      ],
    }),
    get("/rag/pipelines/p/workflows/published/pre-processing/parameters", { variables: [] }),
    get("/rag/pipelines/p/workflows/published/processing/parameters", { variables: [] }),
  ];
  const file = (name: string) => ({ id: `notes/${name}`, name, size: 2000, type: "file" });
  const done = (...data: readonly object[]) => stream({ event: "datasource_completed", data, time_consuming: 1 });

  it("are ticked in several folders, part by part, and run together", async () => {
    const asked = vi.fn();
    const ran = vi.fn();
    server.use(
      ...drive([key]),
      http.post("*/console/api/rag/pipelines/p/workflows/published/datasource/nodes/s/run", async ({ request }) => {
        const body: { inputs: { bucket?: string; prefix: string; next_page_parameters?: object } } = JSON.parse(await request.text());
        asked(body);
        const { bucket, prefix, next_page_parameters } = body.inputs;
        if (!bucket) return done({ bucket: "owls", files: [] }, { bucket: "foxes", files: [] });
        if (bucket === "foxes") return stream({ event: "datasource_error", error: "The key opens no foxes." });
        if (prefix === "")
          return done({
            bucket,
            files: [
              { id: "notes/", name: "notes", size: 0, type: "folder" },
              { ...file("top.md"), id: "top.md" },
            ],
          });
        if (next_page_parameters) return done({ bucket, files: [file("b.txt")] });
        return done({ bucket, files: [file("a.txt")], is_truncated: true, next_page_parameters: { continuation_token: "t" } });
      }),
      http.post("*/console/api/rag/pipelines/p/workflows/published/run", async ({ request }) => {
        ran(await request.json());
        return HttpResponse.json({ code: "x", message: "Not now." }, { status: 400 });
      }),
    );
    show(<AddPage dataset={dataset} onCancel={vi.fn()} onDone={vi.fn()} onTest={vi.fn()} />);
    await userEvent.click(await screen.findByRole("button", { name: "foxes" }));
    expect(await screen.findByText("The key opens no foxes.")).toBeVisible();
    const path = within(screen.getByRole("navigation", { name: "Where you are" }));
    await userEvent.click(path.getByRole("button", { name: "Store" }));
    await userEvent.click(await screen.findByRole("button", { name: "owls" }));
    await userEvent.click(await screen.findByRole("checkbox", { name: /top\.md/ }));
    await userEvent.click(screen.getByRole("button", { name: "notes" }));
    expect(await path.findByText("notes")).toHaveFocus();
    expect(await screen.findByRole("checkbox", { name: /a\.txt/ })).not.toBeChecked();
    await userEvent.click(screen.getByRole("button", { name: "Show more" }));
    expect(await screen.findByText("b.txt")).toBeVisible();
    expect(asked).toHaveBeenLastCalledWith({
      inputs: { bucket: "owls", prefix: "notes/", max_keys: 50, next_page_parameters: { continuation_token: "t" } },
      datasource_type: "online_drive",
      credential_id: "k1",
    });
    await userEvent.click(screen.getByRole("checkbox", { name: "Choose all files shown" }));
    expect(screen.getByText("3 chosen")).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Next" }));
    await userEvent.click(await screen.findByRole("button", { name: /Save and process/ }));
    const chosen = ["top.md", "notes/a.txt", "notes/b.txt"].map((id) => ({ bucket: "owls", id, size: 2000, type: "file", credential_id: "k1" }));
    await waitFor(() => expect(ran.mock.lastCall?.[0]).toMatchObject({ datasource_type: "online_drive", datasource_info_list: chosen }));
  });

  it("need a key first", async () => {
    server.use(...drive([]));
    show(<AddPage dataset={dataset} onCancel={vi.fn()} onDone={vi.fn()} onTest={vi.fn()} />);
    expect(await screen.findByText("No drive is set up")).toBeVisible();
  });
});

describe("a document that is there", { timeout: 60_000 }, () => {
  it("is made again from what it was made of", async () => {
    const ran = vi.fn();
    server.use(
      published(source("d", "File", "local_file", "file")),
      get("/datasets/ds/documents/doc/pipeline-execution-log", {
        datasource_info: { related_id: "f1", name: "a.txt" },
        datasource_type: "local_file",
        input_data: { max: 300 },
        datasource_node_id: "d",
      }),
      get("/rag/pipelines/p/workflows/published/processing/parameters", { variables: [field] }),
      http.post("*/console/api/rag/pipelines/p/workflows/published/run", async ({ request }) => {
        ran(await request.json());
        return HttpResponse.json({ code: "x", message: "Not now." }, { status: 400 });
      }),
    );
    show(<ReprocessPage dataset={dataset} documentId="doc" onBack={vi.fn()} onDone={vi.fn()} onTest={vi.fn()} />);
    expect(await screen.findByLabelText("Longest chunk")).toHaveValue(300);
    await userEvent.click(screen.getByRole("button", { name: /Save and process/ }));
    expect(await screen.findByText("Not now.")).toBeVisible();
    expect(ran).toHaveBeenCalledWith(
      expect.objectContaining({
        original_document_id: "doc",
        inputs: { max: 300 },
        start_node_id: "d",
        is_preview: false,
        datasource_info_list: [{ related_id: "f1", name: "a.txt" }],
      }),
    );
  });

  it("says when nobody knows how it was made", async () => {
    server.use(
      published(source("d", "File", "local_file", "file")),
      get("/datasets/ds/documents/doc/pipeline-execution-log", { datasource_info: null, datasource_type: null, input_data: null, datasource_node_id: null }),
    );
    show(<ReprocessPage dataset={dataset} documentId="doc" onBack={vi.fn()} onDone={vi.fn()} onTest={vi.fn()} />);
    expect(await screen.findByText("This document cannot be processed again")).toBeVisible();
  });

  it("gets a pipeline with all of its knowledge base, once its name was typed", async () => {
    const converted = vi.fn();
    server.use(
      http.post("*/console/api/rag/pipelines/transform/datasets/ds", () => HttpResponse.json({ pipeline_id: "p", dataset_id: "ds", status: "success" })),
    );
    show(<ConvertSection dataset={dataset} onConverted={converted} />);
    await userEvent.click(screen.getByRole("button", { name: "Convert" }));
    const sure = await screen.findByRole("alertdialog");
    const go = within(sure).getByRole("button", { name: "Convert" });
    expect(go).toBeDisabled();
    await userEvent.type(within(sure).getByLabelText(/Type Policies/), "Policies");
    await userEvent.click(go);
    await waitFor(() => expect(converted).toHaveBeenCalled());
  });
});
