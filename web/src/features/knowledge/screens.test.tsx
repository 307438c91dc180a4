import { configure, fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { describe, expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { ChunkDialog, keywordsOf } from "./ChunkDialog";
import { CreatePage } from "./CreatePage";
import { DatasetsPage } from "./DatasetsPage";
import { DocumentsPage } from "./DocumentsPage";
import { EvaluationPage } from "./EvaluationPage";
import { MetadataDialog } from "./MetadataDialog";
import { startRetrieval } from "./retrieval";
import { changesOf, SettingsPage } from "./SettingsPage";
import { summaryOf } from "./summary";
import { TestPage } from "./TestPage";
import type { Dataset, DocumentDetail, KnowledgeDocument, Segment } from "./types";

vi.mock("@tanstack/react-router", async (original) => ({ ...(await original<object>()), ...(await import("../../test/router")) }));

// The machine of the tests may be busy.
configure({ asyncUtilTimeout: 10_000 });

const dataset: Dataset = {
  id: "d1",
  name: "Policies",
  description: "Returns",
  provider: "vendor",
  permission: "only_me",
  data_source_type: "upload_file",
  indexing_technique: "high_quality",
  app_count: 2,
  document_count: 3,
  word_count: 900,
  created_by: "me",
  created_at: 1_763_600_000,
  updated_at: 1_763_600_000,
  embedding_model: "bge-m3",
  embedding_model_provider: "oxidify/local",
  embedding_available: true,
  retrieval_model_dict: startRetrieval("high_quality"),
  tags: [],
  doc_form: "text_model",
};

const doc: KnowledgeDocument = {
  id: "c1",
  position: 1,
  data_source_type: "upload_file",
  name: "policy.pdf",
  created_by: "me",
  created_at: 1_763_600_000,
  tokens: 10,
  indexing_status: "completed",
  error: null,
  enabled: true,
  archived: false,
  display_status: "available",
  word_count: 300,
  hit_count: 4,
  doc_form: "text_model",
};

const segment: Segment = {
  id: "s1",
  position: 7,
  document_id: "c1",
  content: "Refunds take two days.",
  answer: null,
  word_count: 22,
  tokens: 5,
  keywords: ["refund"],
  hit_count: 0,
  enabled: true,
  status: "completed",
  error: null,
};

const page = <T,>(data: readonly T[]) => ({ page: 1, limit: 50, total: data.length, has_more: false, data });
const get = (path: string, body: unknown) => http.get(`*/console/api${path}`, () => HttpResponse.json(body as never));
const me = [
  http.post("*/console/api/workspaces/current", () => HttpResponse.json({ id: "w", name: "W", role: "owner" })),
  get("/account/profile", { id: "me", name: "Me" }),
  get("/workspaces/current/members", { accounts: [] }),
  get("/workspaces/current/models/model-types/text-embedding", {
    data: [
      {
        provider: "oxidify/local",
        label: { en_US: "Local" },
        status: "active",
        models: [{ model: "bge-m3", model_type: "text-embedding", features: [], status: "active", model_properties: {} }],
      },
    ],
  }),
  get("/workspaces/current/models/model-types/rerank", { data: [] }),
  get("/workspaces/current/default-model", { data: null }),
];

describe("knowledge", { timeout: 30_000 }, () => {
  withServer();

  it("lists knowledge bases and says who uses one before it is deleted", async () => {
    const gone = vi.fn();
    server.use(
      ...me,
      get("/datasets", page([dataset])),
      get("/tags", []),
      get("/datasets/vector-store", { store: "embedded", is_away: false }),
      get("/datasets/d1/use-check", { is_using: true }),
      http.delete("*/console/api/datasets/d1", () => {
        gone();
        return new HttpResponse(null, { status: 204 });
      }),
    );
    show(
      <DatasetsPage search={{}} onSearch={vi.fn()} onOpen={vi.fn()} onSettings={vi.fn()} onCreate={vi.fn()} onFromPipeline={vi.fn()} onPipeline={vi.fn()} />,
    );
    await userEvent.click(await screen.findByRole("button", { name: "Actions of Policies" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Delete" }));
    expect(await screen.findByText("2 apps use it and will answer without it.")).toBeVisible();
    await userEvent.type(screen.getByLabelText("Type the name of the knowledge base to delete it"), "Policies");
    await userEvent.click(within(screen.getByRole("alertdialog")).getByRole("button", { name: "Delete" }));
    await waitFor(() => expect(gone).toHaveBeenCalled());
  });

  it("goes from a file over the preview to the index, and tells what failed", async () => {
    const sent = vi.fn();
    const retried = vi.fn();
    server.use(
      ...me,
      get("/files/upload", { file_size_limit: 1, batch_count_limit: 5 }),
      get("/files/support-type", { allowed_extensions: ["txt"] }),
      http.post("*/console/api/files/upload", () => HttpResponse.json({ id: "f1", name: "a.txt", size: 3, extension: "txt" }, { status: 201 })),
      get("/datasets/process-rule", { mode: "custom", rules: null, limits: { indexing_max_segmentation_tokens_length: 4000 } }),
      http.post("*/console/api/datasets/indexing-estimate", () =>
        HttpResponse.json({ total_segments: 12, preview: [{ content: "First chunk of the file." }], qa_preview: null }),
      ),
      http.post("*/console/api/datasets/init", async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json({ dataset: { id: "d9", name: "a..." }, documents: [{ ...doc, indexing_status: "waiting" }], batch: "b1" });
      }),
      get("/datasets/d9/batch/b1/indexing-status", {
        data: [{ id: "c1", indexing_status: "error", error: "The file is broken.", completed_segments: 0, total_segments: 0 }],
      }),
      http.post("*/console/api/datasets/d9/retry", async ({ request }) => {
        retried(await request.json());
        return new HttpResponse(null, { status: 204 });
      }),
    );
    show(<CreatePage dataset={undefined} onCancel={vi.fn()} onDone={vi.fn()} onTest={vi.fn()} />);
    await screen.findByText(/1 MB for each file at most/);
    const input = screen.getAllByLabelText(/Drop files here/).find((each) => each.tagName === "INPUT");
    if (!(input instanceof HTMLInputElement)) throw new Error("no file input");
    await userEvent.upload(input, [new File(["abc"], "a.txt", { type: "text/plain" }), new File(["x"], "b.exe")], { applyAccept: false });
    expect(screen.getByText("Files of this kind cannot be read.")).toBeVisible();
    await waitFor(() => expect(screen.getByRole("button", { name: "Next" })).toBeEnabled());
    await userEvent.click(screen.getByRole("button", { name: "Next" }));
    expect(await screen.findByText("First chunk of the file.")).toBeVisible();
    expect(screen.getByText("12")).toBeVisible();
    await userEvent.click(screen.getByRole("radio", { name: /Economy/ }));
    await userEvent.click(screen.getByRole("button", { name: /Save and index/ }));
    expect(await screen.findByText("The file is broken.")).toBeVisible();
    expect(sent.mock.calls[0]?.[0]).toMatchObject({
      data_source: { info_list: { data_source_type: "upload_file", file_info_list: { file_ids: ["f1"] } } },
      indexing_technique: "economy",
      doc_form: "text_model",
      process_rule: { mode: "custom", rules: { segmentation: { separator: "\n\n", max_tokens: 512, unit: "tokens" } } },
      retrieval_model: { search_method: "keyword_search" },
    });
    expect(sent.mock.calls[0]?.[0]).not.toHaveProperty("embedding_model");
    await userEvent.click(screen.getByRole("button", { name: "Try policy.pdf again" }));
    await waitFor(() => expect(retried).toHaveBeenCalledWith({ document_ids: ["c1"] }));
  });

  it("turns documents off together and asks for the list again", async () => {
    const done = vi.fn();
    server.use(
      ...me,
      get("/datasets/d1/documents", page([doc, { ...doc, id: "c2", name: "old.txt", display_status: "archived", archived: true }])),
      get("/datasets/d1/error-docs", { data: [], total: 0 }),
      http.patch("*/console/api/datasets/d1/documents/status/:action/batch", ({ request, params }) => {
        done(params.action, new URL(request.url).search);
        return HttpResponse.json({ result: "success" });
      }),
    );
    show(<DocumentsPage dataset={dataset} search={{}} onSearch={vi.fn()} onOpen={vi.fn()} onAdd={vi.fn()} onTest={vi.fn()} />);
    const all = await screen.findByRole("checkbox", { name: "Select all on this page" });
    await waitFor(() => expect(all).toBeEnabled());
    await userEvent.click(all);
    const bar = screen.getByRole("region", { name: "2 selected" });
    await userEvent.click(within(bar).getByRole("button", { name: "Turn off" }));
    await waitFor(() => expect(done).toHaveBeenCalledWith("disable", "?document_id=c1"));
    expect(within(bar).getByRole("button", { name: "Take out of the archive" })).toBeVisible();
  });

  it("edits a chunk with its keywords, and never saves an empty one", async () => {
    const sent = vi.fn();
    server.use(
      http.patch("*/console/api/datasets/d1/documents/c1/segments/s1", async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json({ data: segment, doc_form: "text_model" });
      }),
    );
    const closed = vi.fn();
    const detail: DocumentDetail = doc;
    show(<ChunkDialog datasetId="d1" doc={detail} segment={segment} edit summarised={false} onClose={closed} />);
    const text = screen.getByLabelText("Text");
    await userEvent.clear(text);
    await userEvent.click(screen.getByRole("button", { name: /^Save/ }));
    expect(screen.getByText("Enter the text.")).toBeVisible();
    await userEvent.type(text, "Refunds take one day.");
    await userEvent.type(screen.getByLabelText(/^Keywords/), ", money, refund");
    await userEvent.click(screen.getByRole("button", { name: /^Save/ }));
    await waitFor(() => expect(closed).toHaveBeenCalled());
    expect(sent).toHaveBeenCalledWith({ content: "Refunds take one day.", keywords: ["refund", "money"] });
    expect(keywordsOf("a, b，c\nc")).toEqual(["a", "b", "c"]);
  });

  it("edits the summary of a chunk, and sends it only when it was edited", async () => {
    const sent = vi.fn();
    server.use(
      http.patch("*/console/api/datasets/d1/documents/c1/segments/s1", async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json({ data: segment, doc_form: "text_model" });
      }),
    );
    const told: Segment = { ...segment, summary: "About money.", summary_status: "completed" };
    show(<ChunkDialog datasetId="d1" doc={doc} segment={told} edit summarised onClose={vi.fn()} />);
    await userEvent.click(screen.getByRole("button", { name: /^Save/ }));
    await waitFor(() => expect(sent).toHaveBeenCalledWith({ content: segment.content, keywords: ["refund"] }));
    const field = screen.getByLabelText(/^Summary/);
    await userEvent.clear(field);
    await userEvent.type(field, "About giving money back.");
    await userEvent.click(screen.getByRole("button", { name: /^Save/ }));
    await waitFor(() => expect(sent).toHaveBeenLastCalledWith({ content: segment.content, keywords: ["refund"], summary: "About giving money back." }));
  });

  it("has summaries written where they are switched on, after asking", async () => {
    const sent = vi.fn();
    server.use(
      ...me,
      get("/datasets/d1/documents", page([doc])),
      get("/datasets/d1/error-docs", { data: [], total: 0 }),
      http.post("*/console/api/datasets/d1/documents/generate-summary", async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json({ result: "success" });
      }),
    );
    const told: Dataset = { ...dataset, summary_index_setting: { enable: true } };
    show(<DocumentsPage dataset={told} search={{}} onSearch={vi.fn()} onOpen={vi.fn()} onAdd={vi.fn()} onTest={vi.fn()} />);
    const all = await screen.findByRole("checkbox", { name: "Select all on this page" });
    await waitFor(() => expect(all).toBeEnabled());
    await userEvent.click(all);
    await userEvent.click(within(screen.getByRole("region", { name: "1 selected" })).getByRole("button", { name: "Write summaries" }));
    await userEvent.click(within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Write" }));
    await waitFor(() => expect(sent).toHaveBeenCalledWith({ document_list: ["c1"] }));
  });

  it("switches summaries on with an instruction", async () => {
    const sent = vi.fn();
    server.use(
      ...me,
      get("/workspaces/current/models/model-types/llm", { data: [] }),
      http.patch("*/console/api/datasets/d1", async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json(dataset);
      }),
    );
    show(
      <>
        <div id="bar" />
        <SettingsPage dataset={dataset} onDeleted={vi.fn()} />
      </>,
    );
    await userEvent.click(await screen.findByRole("switch", { name: "Summaries" }));
    await userEvent.type(await screen.findByLabelText(/^Instruction/), "In one line:");
    await userEvent.keyboard("{Control>}{Enter}{/Control}");
    const summary = { enable: true, model_name: null, model_provider_name: null, summary_prompt: "In one line:" };
    await waitFor(() => expect(sent).toHaveBeenCalledWith({ summary_index_setting: summary }));
  });

  it("asks with pictures where the embedding model sees", async () => {
    const asked = vi.fn();
    server.use(
      ...me,
      get(
        "/datasets/d1/queries",
        page([
          {
            id: "q9",
            queries: [{ content_type: "image_query", content: "f9", file_info: { id: "f9", name: "old.png", source_url: "/files/f9/file-preview" } }],
            source: "hit_testing",
            created_at: 1_763_600_000,
          },
        ]),
      ),
      get("/datasets/d1/evaluation/questions", { ...page([]), known: 0, most: 1000 }),
      http.post("*/console/api/files/upload", () => HttpResponse.json({ id: "f1", name: "light.png", source_url: "/files/f1/file-preview" }, { status: 201 })),
      http.post("*/console/api/datasets/d1/hit-testing", async ({ request }) => {
        const body = (await request.json()) as { query: string; attachment_ids?: string[] };
        asked(body.query, body.attachment_ids);
        const files = [{ id: "f2", name: "a.png", mime_type: "image/png", source_url: "/files/f2/file-preview" }];
        const found = { ...segment, id: "a", content: "The harbour", document: { id: "c1", name: "policy.pdf" } };
        return HttpResponse.json({ query: { content: body.query }, records: [{ segment: found, score: 0.9, child_chunks: null, files }] });
      }),
    );
    const blind = show(<TestPage dataset={dataset} compare={false} onCompare={vi.fn()} onOpen={vi.fn()} />);
    expect(screen.queryByRole("button", { name: "Add a picture" })).toBeNull();
    blind.unmount();
    show(<TestPage dataset={{ ...dataset, is_multimodal: true }} compare={false} onCompare={vi.fn()} onOpen={vi.fn()} />);
    expect(screen.getByRole("button", { name: /^Search/ })).toBeDisabled();
    const input = screen.getByLabelText("Add a picture", { selector: "input" });
    await userEvent.upload(input, new File(["x"], "light.png", { type: "image/png" }));
    expect(await screen.findByAltText("light.png")).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: /^Search/ }));
    expect(await screen.findByRole("list", { name: "1 picture" })).toBeVisible();
    await userEvent.type(screen.getByLabelText("Question"), "lamp{Enter}");
    await userEvent.click(screen.getByRole("button", { name: "Remove light.png" }));
    await userEvent.type(screen.getByLabelText("Question"), "s{Enter}");
    await waitFor(() =>
      expect(asked.mock.calls).toEqual([
        ["", ["f1"]],
        ["lamp", ["f1"]],
        ["lamps", undefined],
      ]),
    );
    // What is no picture is not sent.
    fireEvent.change(input, { target: { files: [new File(["x"], "a.txt", { type: "text/plain" })] } });
    expect(await screen.findByRole("alert")).toHaveTextContent("a.txt cannot be asked with");
    // What was asked with before can be asked with again.
    await userEvent.click(screen.getByRole("button", { name: "History" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: /^1 picture/ }));
    await waitFor(() => expect(asked).toHaveBeenLastCalledWith("", ["f9"]));
    expect(screen.getByAltText("old.png")).toBeVisible();
  });

  it("asks the same question under two settings and shows who moved", async () => {
    const asked = vi.fn();
    const marked = vi.fn();
    const record = (id: string, score: number) => ({
      segment: { ...segment, id, content: `Chunk ${id}`, document: { id: "c1", name: "policy.pdf" } },
      score,
      child_chunks: null,
    });
    server.use(
      ...me,
      get("/datasets/d1/queries", page([])),
      get("/datasets/d1/evaluation/questions", {
        ...page([
          { id: "q1", question: "chunk", expected: [{ document_id: "c1", document_name: "policy.pdf", segment_id: "b", position: 7, is_missing: false }] },
        ]),
        known: 1,
        most: 1000,
      }),
      http.post("*/console/api/datasets/d1/evaluation/mark", async ({ request }) => {
        marked(await request.json());
        return HttpResponse.json({ id: "q1", question: "chunk", expected: [] });
      }),
      http.post("*/console/api/datasets/d1/hit-testing", async ({ request }) => {
        const body = (await request.json()) as { query: string; retrieval_model: { search_method: string } };
        asked(body.query, body.retrieval_model.search_method);
        const records = [record("a", 0.9), record("b", 0.5)];
        return HttpResponse.json({
          query: { content: body.query },
          records: body.retrieval_model.search_method === "full_text_search" ? [records[1]] : records,
        });
      }),
    );
    show(<TestPage dataset={dataset} compare onCompare={vi.fn()} onOpen={vi.fn()} />);
    const right = screen.getByRole("region", { name: "Settings B" });
    await userEvent.click(within(right).getByRole("radio", { name: "Full text" }));
    await userEvent.type(screen.getByLabelText("Question"), "Chunk{Enter}");
    expect(await within(right).findByLabelText("1 place higher")).toBeVisible();
    const left = screen.getByRole("region", { name: "Settings A" });
    expect(within(left).getByText("only here")).toBeVisible();
    expect(within(left).getByLabelText("1 place lower")).toBeVisible();
    expect(asked.mock.calls).toEqual([
      ["Chunk", "hybrid_search"],
      ["Chunk", "full_text_search"],
    ]);
    // What the question should find is known, and changed here.
    await userEvent.click(await within(left).findByRole("button", { name: "Expected: policy.pdf #7" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Any chunk of this document" }));
    await waitFor(() =>
      expect(marked.mock.calls).toEqual([
        [{ question: "Chunk", document_id: "c1", segment_id: null, expected: true }],
        [{ question: "Chunk", document_id: "c1", segment_id: "b", expected: false }],
      ]),
    );
  });

  it("tells what a score is made of and where the time went", async () => {
    server.use(
      ...me,
      get("/datasets/d1/queries", page([])),
      get("/datasets/d1/evaluation/questions", { ...page([]), known: 0, most: 1000 }),
      http.post("*/console/api/datasets/d1/hit-testing", () =>
        HttpResponse.json({
          query: { content: "lamp" },
          records: [
            {
              segment: { ...segment, id: "a", content: "Broken lamps", document: { id: "c1", name: "policy.pdf" } },
              score: 0.93,
              scores: { words: 6.4, meaning: 0.71, rerank: null },
              child_chunks: null,
            },
          ],
          times: { embedding: 0.018, words: 0.003, vectors: 0.006, rerank: null, total: 0.027 },
        }),
      ),
    );
    show(<TestPage dataset={dataset} compare={false} onCompare={vi.fn()} onOpen={vi.fn()} />);
    await userEvent.type(screen.getByLabelText("Question"), "lamp{Enter}");
    const status = (await screen.findByText("embedding 18 ms")).parentElement as HTMLElement;
    expect(status).toHaveTextContent(/vectors 6\sms.*words 3\sms.*27\sms in all/);
    // A step that was not taken has no time.
    expect(status).not.toHaveTextContent("rerank");
    const list = screen.getByRole("list", { name: "Chunks that were found" });
    expect(within(list).getByText("Meaning")).toHaveTextContent("Meaning0.71");
    expect(within(list).getByText("Words")).toHaveTextContent("Words6.40");
    expect(within(list).getByText("Final")).toHaveTextContent("Final0.93");
    expect(within(list).queryByText("Rerank")).toBeNull();
  });

  it("shows how settings do on each question, and starts another evaluation", async () => {
    const started = vi.fn((_: { readonly settings: readonly { name: string; retrieval_model: { search_method: string } }[] }) => undefined);
    const expected = [{ document_id: "c1", document_name: "policy.pdf", segment_id: null, position: null, is_missing: false }];
    const found = [
      {
        place: 1,
        rank: 1,
        document_id: "c1",
        document_name: "policy.pdf",
        segment_id: "s1",
        position: 7,
        page: null,
        score: 0.9,
        is_expected: true,
        excerpt: "Refunds",
      },
    ];
    const answer = { recall: 1, ndcg: 1, reciprocal_rank: 1, took_ms: 3, error: null, found };
    const sum = { top_k: 5, questions: 1, failed: 0, missed: 0, recall: 1, ndcg: 1, mrr: 1, took_ms: 3, took_ms_p95: 4 };
    const run = {
      id: "r1",
      status: "completed",
      error: null,
      total: 2,
      done: 2,
      settings: [],
      summary: [
        { ...sum, name: "Hybrid" },
        { ...sum, name: "Words", recall: 0, ndcg: 0, mrr: 0, missed: 1 },
      ],
      created_at: 1_763_600_000,
      finished_at: 1_763_600_001,
    };
    server.use(
      ...me,
      get("/datasets/d1/evaluation/questions", {
        ...page([{ id: "q1", question: "How long?", expected, source: "manual", created_at: 1 }]),
        known: 1,
        most: 1000,
      }),
      get("/datasets/d1/evaluation/runs", { data: [run] }),
      get(
        "/datasets/d1/evaluation/runs/r1/results",
        page([{ question_id: "q1", question: "How long?", expected, by_setting: [answer, { ...answer, found: [] }] }]),
      ),
      http.post("*/console/api/datasets/d1/evaluation/runs", async ({ request }) => {
        started((await request.json()) as Parameters<typeof started>[0]);
        return HttpResponse.json(run, { status: 201 });
      }),
    );
    const opened = vi.fn();
    show(<EvaluationPage dataset={dataset} search={{}} onSearch={vi.fn()} onTest={vi.fn()} onOpen={opened} />);
    const table = await screen.findByRole("table");
    expect(within(table).getByRole("row", { name: /Hybrid.*1\.000/ })).toBeVisible();
    await userEvent.click(await screen.findByRole("button", { name: "How long?" }));
    expect(screen.getByText("not found")).toBeVisible();
    await userEvent.click(within(screen.getByRole("region", { name: "Hybrid" })).getByRole("button", { name: /policy\.pdf/ }));
    expect(opened).toHaveBeenCalledWith("c1", "s1");
    await userEvent.click(await screen.findByRole("button", { name: "Add settings" }));
    await userEvent.type(screen.getByLabelText("Name of settings 2"), "By meaning");
    await userEvent.click(screen.getByRole("button", { name: "Ask 1 question" }));
    await waitFor(() => expect(started).toHaveBeenCalled());
    expect(started.mock.calls[0]?.[0].settings.map((one) => [one.name, one.retrieval_model.search_method])).toEqual([
      ["As the knowledge base searches", "hybrid_search"],
      ["By meaning", "semantic_search"],
    ]);
  });

  it("writes metadata to several documents, only what was changed", async () => {
    const sent = vi.fn();
    server.use(
      get("/datasets/d1/metadata", {
        doc_metadata: [
          { id: "m1", name: "department", type: "string" },
          { id: "m2", name: "year", type: "number" },
        ],
        built_in_field_enabled: false,
      }),
      http.post("*/console/api/datasets/d1/documents/metadata", async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json({ result: "success" });
      }),
    );
    const docs = [
      { ...doc, doc_metadata: [{ id: "m1", name: "department", type: "string" as const, value: "Sales" }] },
      { ...doc, id: "c2" },
    ];
    show(<MetadataDialog datasetId="d1" docs={docs} onClose={vi.fn()} />);
    expect(await screen.findByLabelText("department")).toHaveAttribute("placeholder", "Several values");
    await userEvent.type(screen.getByLabelText("year"), "soon");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(screen.getByText("Enter a number.")).toBeVisible();
    await userEvent.clear(screen.getByLabelText("year"));
    await userEvent.type(screen.getByLabelText("year"), "2026");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    const metadata_list = [{ id: "m2", name: "year", value: 2026 }];
    await waitFor(() =>
      expect(sent).toHaveBeenCalledWith({
        operation_data: [
          { document_id: "c1", metadata_list, partial_update: true },
          { document_id: "c2", metadata_list, partial_update: true },
        ],
      }),
    );
  });

  it("saves only what was changed in the settings", async () => {
    const sent = vi.fn();
    server.use(
      ...me,
      http.patch("*/console/api/datasets/d1", async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json(dataset);
      }),
    );
    expect(
      changesOf(dataset, {
        name: "Policies",
        description: "Returns",
        permission: "only_me",
        members: [],
        technique: "high_quality",
        embedding: { provider: "oxidify/local", model: "bge-m3" },
        retrieval: startRetrieval("high_quality"),
        summary: summaryOf(undefined),
      }),
    ).toEqual({});
    const { container } = show(
      <>
        <div id="bar" />
        <SettingsPage dataset={dataset} onDeleted={vi.fn()} />
      </>,
    );
    const name = screen.getByLabelText("Name");
    await userEvent.clear(name);
    await userEvent.type(name, "Policies EU");
    await userEvent.keyboard("{Control>}{Enter}{/Control}");
    await waitFor(() => expect(sent).toHaveBeenCalledWith({ name: "Policies EU" }));
    expect(container).toBeInTheDocument();
  });
});
