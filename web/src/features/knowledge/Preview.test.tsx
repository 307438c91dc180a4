import { configure, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import type { IndexingSettings } from "./api";
import { Preview } from "./Preview";
import { pickedFiles } from "./sources";

configure({ asyncUtilTimeout: 10_000 });
withServer();

const SETTINGS: IndexingSettings = {
  indexing_technique: "high_quality",
  process_rule: { mode: "automatic", rules: null },
  doc_form: "text_model",
  doc_language: "English",
};
const SUMMARY = { enable: true, model_name: "m", model_provider_name: "p", summary_prompt: null };

it("shows summaries when they are asked for, and the chunks when that fails", { timeout: 60_000 }, async () => {
  const asked = vi.fn();
  let fails = true;
  server.use(
    http.post("*/console/api/datasets/indexing-estimate", async ({ request }) => {
      const body = (await request.json()) as { summary_index_setting?: object };
      asked(body.summary_index_setting);
      if (body.summary_index_setting && fails) {
        fails = false;
        return HttpResponse.json({ code: "indexing_estimate_error", message: "The model sleeps.", status: 500 }, { status: 500 });
      }
      const chunk = { content: "Owls sleep by day.", summary: body.summary_index_setting ? "About owls." : null };
      return HttpResponse.json({ total_segments: 1, preview: [chunk], qa_preview: null });
    }),
  );
  const picked = pickedFiles([{ id: "f1", name: "owls.txt" }]);
  show(<Preview picked={picked} datasetId={undefined} settings={SETTINGS} summary={SUMMARY} />);
  expect(await screen.findByText("Owls sleep by day.")).toBeVisible();
  expect(asked.mock.calls, "a model is not asked on its own").toEqual([[undefined]]);
  const write = screen.getByRole("button", { name: "Write summaries" });
  await userEvent.click(write);
  expect(await screen.findByRole("alert")).toHaveTextContent("The model sleeps.");
  expect(screen.getByText("Owls sleep by day.")).toBeVisible();
  await userEvent.click(write);
  expect(await screen.findByText(/About owls/)).toBeVisible();
  expect(asked.mock.calls.at(-1)).toEqual([SUMMARY]);
  expect(screen.queryByRole("button", { name: "Write summaries" })).toBeNull();
});
