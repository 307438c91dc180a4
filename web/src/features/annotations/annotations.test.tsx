import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { describe, expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { AnnotationDialog } from "./AnnotationDialog";
import { csvOf, jsonlOf } from "./files";
import { ImportDialog } from "./ImportDialog";

describe("files", () => {
  const rows = [
    { question: 'Say "hi", now', answer: "a\nb" },
    { question: "=1+1", answer: "- a list" },
    { question: "-2+3", answer: "@x" },
  ];

  it("are CSV that a spreadsheet does not calculate, with lists as they were", () =>
    expect(csvOf(rows)).toBe('\uFEFFquestion,answer\r\n"Say ""hi"", now","a\nb"\r\n"\'=1+1","- a list"\r\n"\'-2+3","\'@x"\r\n'));

  it("are one chat for each line", () =>
    expect(jsonlOf(rows.slice(1, 2))).toBe('{"messages":[{"role":"user","content":"=1+1"},{"role":"assistant","content":"- a list"}]}\n'));
});

describe("the dialogs", { timeout: 20_000 }, () => {
  withServer();

  it("asks for both texts, saves, and is ready for another one", async () => {
    const sent = vi.fn();
    server.use(
      http.post("*/console/api/apps/a1/annotations", async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json({ id: "n", question: "q", answer: "a", hit_count: 0, created_at: 1 }, { status: 201 });
      }),
    );
    const closed = vi.fn();
    show(<AnnotationDialog appId="a1" id={undefined} start={{ question: "", answer: "" }} onClose={closed} />);
    await userEvent.type(screen.getByLabelText("Question"), "Where is it?");
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    expect(screen.getByText("Enter the answer.")).toBeVisible();
    await userEvent.type(screen.getByLabelText("Answer"), "In the shed.");
    await userEvent.click(screen.getByLabelText("Add another one afterwards"));
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(screen.getByLabelText("Question")).toHaveValue(""));
    expect(sent).toHaveBeenCalledWith({ question: "Where is it?", answer: "In the shed." });
    expect(closed).not.toHaveBeenCalled();
  });

  it("shows where one was used, and deletes it after asking", async () => {
    const gone = vi.fn();
    server.use(
      http.get("*/console/api/apps/a1/annotations/n1/hit-histories", () =>
        HttpResponse.json({
          page: 1,
          limit: 100,
          total: 1,
          has_more: false,
          data: [{ id: "h", source: "api", score: 0.97, question: "where", created_at: 1_763_600_000, match: "Where?", response: "Here." }],
        }),
      ),
      http.delete("*/console/api/apps/a1/annotations", ({ request }) => {
        gone(new URL(request.url).search);
        return new HttpResponse(null, { status: 204 });
      }),
    );
    const closed = vi.fn();
    show(<AnnotationDialog appId="a1" id="n1" start={{ question: "Where?", answer: "Here." }} onClose={closed} />);
    await userEvent.click(screen.getByRole("radio", { name: "Where it was used" }));
    expect(await screen.findByText(/score 0\.97, API/)).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Delete" }));
    await userEvent.click(within(screen.getByRole("alertdialog")).getByRole("button", { name: "Delete" }));
    await waitFor(() => expect(closed).toHaveBeenCalled());
    expect(gone).toHaveBeenCalledWith("?annotation_id=n1");
  });

  it("says which row of a file is wrong and keeps the dialog open", async () => {
    server.use(
      http.post("*/console/api/apps/a1/annotations/batch-import", () =>
        HttpResponse.json({ code: "invalid_param", message: "Row 2: 'answer' is required", params: "file", status: 400 }, { status: 400 }),
      ),
    );
    const closed = vi.fn();
    show(<ImportDialog appId="a1" onClose={closed} />);
    const input = screen.getAllByLabelText(/Choose a CSV file/).find((each) => each.tagName === "INPUT");
    if (!(input instanceof HTMLInputElement)) throw new Error("no file input");
    await userEvent.upload(input, new File(["q,a\n"], "rows.csv", { type: "text/csv" }));
    await userEvent.click(screen.getByRole("button", { name: "Import" }));
    expect(await screen.findByText("Row 2: 'answer' is required")).toBeVisible();
    expect(closed).not.toHaveBeenCalled();
  });
});
