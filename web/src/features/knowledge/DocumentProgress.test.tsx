import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { DocumentProgress } from "./DocumentProgress";
import type { KnowledgeDocument } from "./types";

const doc = { id: "c1", name: "policy.pdf", enabled: true, archived: false, error: null, completed_segments: 3, total_segments: 12 };
const shown = (change: Partial<KnowledgeDocument>, edit = true) => {
  const did = vi.fn();
  show(
    <DocumentProgress
      doc={{ ...doc, ...change } as KnowledgeDocument}
      edit={edit}
      busy={false}
      onRetry={() => did("retry")}
      onHold={(action) => did(action)}
    />,
  );
  return did;
};

describe("the progress of a document", () => {
  it("tells the chunks that are done, and pauses", async () => {
    const did = shown({ indexing_status: "indexing" });
    expect(screen.getByText("3 of 12 chunks")).toBeVisible();
    expect(screen.getByRole("progressbar", { name: "policy.pdf" })).toHaveAttribute("aria-valuenow", "25");
    await userEvent.click(screen.getByRole("button", { name: "Pause policy.pdf" }));
    expect(did.mock.calls).toEqual([["pause"]]);
  });

  it("goes on with what is paused, by the keyboard", async () => {
    const did = shown({ indexing_status: "paused" });
    await userEvent.tab();
    expect(screen.getByRole("button", { name: "Go on with policy.pdf" })).toHaveFocus();
    await userEvent.keyboard("{Enter}");
    expect(did.mock.calls).toEqual([["resume"]]);
  });

  it("says why it failed, and tries again", async () => {
    const did = shown({ indexing_status: "error", error: "The file is broken." });
    expect(screen.getByText("The file is broken.")).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Try policy.pdf again" }));
    expect(did.mock.calls).toEqual([["retry"]]);
  });

  it("has no buttons for those who only read, and nothing for what is done", () => {
    shown({ indexing_status: "error" }, false);
    expect(screen.getByText("No cause was given.")).toBeVisible();
    shown({ indexing_status: "completed" });
    expect(screen.queryByRole("button")).toBeNull();
    expect(screen.queryByRole("progressbar")).toBeNull();
  });
});
