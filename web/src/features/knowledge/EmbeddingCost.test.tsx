import { screen } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { describe, expect, it } from "vitest";
import type { Model, ModelGroup } from "../../data/models";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import type { IndexingSettings } from "./api";
import { EmbeddingCost } from "./EmbeddingCost";
import { pickedFiles } from "./sources";

withServer();

const settings = (doc_form: IndexingSettings["doc_form"]): IndexingSettings => ({
  indexing_technique: "high_quality",
  process_rule: { mode: "automatic", rules: null },
  doc_form,
  doc_language: "English",
});
const model = { model: "small", pricing: { input: "0.02", unit: "0.000001", currency: "USD" } } as Model;
const groups = [{ provider: "openai", models: [model] }] as unknown as readonly ModelGroup[];
const files = (count: number) => pickedFiles(Array.from({ length: count }, (_, at) => ({ id: `f${at}`, name: `${at}.txt` })));
const shown = (count: number, name: string, form: IndexingSettings["doc_form"] = "text_model") =>
  show(<EmbeddingCost picked={files(count)} datasetId={undefined} settings={settings(form)} embedding={{ provider: "openai", model: name }} groups={groups} />);
const answer = () =>
  server.use(
    http.post("*/console/api/datasets/indexing-estimate", async ({ request }) => {
      const body = (await request.json()) as { info_list: { file_info_list: { file_ids: string[] } } };
      const files = body.info_list.file_info_list.file_ids.length;
      return HttpResponse.json({ total_segments: files, total_characters: files * 4_000_000, total_tokens: files * 1_000_000, preview: [] });
    }),
  );

describe("what embedding costs", () => {
  it("is told for all files, with what is exact", async () => {
    answer();
    shown(2, "small");
    expect(await screen.findByText("About 2,000,000 tokens to embed")).toBeVisible();
    expect(screen.getByText(/about \$0\.04/)).toBeVisible();
    expect(screen.getByText("8,000,000 characters, counted; tokens and cost are estimated.")).toBeVisible();
  });

  it("stays unknown without a price", async () => {
    answer();
    shown(1, "nameless");
    expect(await screen.findByText(/cost unknown/)).toBeVisible();
  });

  it("is not guessed where a model writes the texts, or files are many", () => {
    shown(1, "small", "qa_model");
    expect(screen.getByText("Tokens to embed are not known before.")).toBeVisible();
    shown(21, "small");
    expect(screen.getByText("Tokens are estimated for at most 20 documents.")).toBeVisible();
  });
});
