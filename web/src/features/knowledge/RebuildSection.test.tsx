import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { describe, expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { RebuildSection } from "./RebuildSection";
import { clockOf, isAlive, percentOf } from "./rebuilds";
import type { IndexRebuild } from "./types";

withServer();

const running: IndexRebuild = {
  kind: "rebuild",
  origin: "studio",
  target: "local",
  status: "running",
  phase: "reading",
  done: 2500,
  total: 10_000,
  rate: 50,
  seconds_left: 150,
  can_stop: true,
  error: null,
  started_at: 1_700_000_000,
  updated_at: 1_700_000_050,
  finished_at: null,
};
const ended = { rate: null, seconds_left: null, can_stop: false, finished_at: 1_700_000_100 } as const;

/** The section, over what the server tells by now. */
function draw(role: string, told: () => IndexRebuild | null) {
  server.use(
    http.post("*/console/api/workspaces/current", () => HttpResponse.json({ id: "w", name: "W", role })),
    http.get("*/console/api/datasets/d1/index-state", () =>
      HttpResponse.json({ store: "embedded", is_away: false, is_moving: false, done: 0, total: 0, rebuild: told() }),
    ),
  );
  show(<RebuildSection dataset={{ id: "d1", name: "Policies" }} />);
}

const ENDS: readonly (readonly [Partial<IndexRebuild>, "status" | "alert", RegExp])[] = [
  [{ ...ended, status: "completed" }, "status", /^Rebuilt on /],
  [{ ...ended, status: "completed", kind: "move", origin: "command", target: "qdrant" }, "status", /^Moved to qdrant on /],
  [{ ...ended, status: "stopped" }, "status", /^Stopped on .* The old index goes on answering\.$/],
  [{ ...ended, status: "error", error: "The disk is full." }, "alert", /^It failed on .*\(local index\): The disk is full\. The old index goes on/],
  [{ ...ended, status: "interrupted" }, "status", /^The server that worked on it .* Another takes over/],
  [{ ...ended, status: "interrupted", origin: "command" }, "status", /^The command that worked on it \(local index\) .* Begin again\.$/],
];

describe("the index of a knowledge base", { timeout: 20_000 }, () => {
  it("asks before it is made anew, and shows how far it is without a reload", async () => {
    let told: IndexRebuild | null = null;
    const begun = vi.fn();
    server.use(
      http.post("*/console/api/datasets/d1/index-rebuild", () => {
        begun();
        told = running;
        return HttpResponse.json(running, { status: 202 });
      }),
    );
    draw("admin", () => told);
    const start = await screen.findByRole("button", { name: "Rebuild index" });
    await waitFor(() => expect(start).toBeEnabled());
    await userEvent.click(start);
    const dialog = await screen.findByRole("alertdialog");
    expect(within(dialog).getByText("Rebuild the index of Policies?")).toBeVisible();
    expect(begun).not.toHaveBeenCalled();
    await userEvent.click(within(dialog).getByRole("button", { name: "Rebuild index" }));
    const bar = await screen.findByRole("progressbar", { name: "Reading chunks and vectors: local index" });
    expect(bar).toHaveAttribute("aria-valuenow", "25");
    expect(screen.getByText("2,500 of 10,000 · 50 a second · about 2 min 30 s left in this phase")).toBeVisible();
    await waitFor(() => expect(screen.getByRole("button", { name: "Rebuild index" })).toBeDisabled());
    told = { ...running, phase: "graph", done: 9000 };
    expect(await screen.findByRole("progressbar", { name: "Building the vector graph: local index" }, { timeout: 4000 })).toHaveAttribute(
      "aria-valuenow",
      "90",
    );
    told = { ...running, ...ended, status: "completed" };
    expect(await screen.findByText(/^Rebuilt on /, {}, { timeout: 4000 })).toBeVisible();
    expect(screen.getByRole("button", { name: "Rebuild index" })).toBeEnabled();
    expect(begun).toHaveBeenCalledOnce();
  });

  it("is stopped while it can be", async () => {
    let told: IndexRebuild = running;
    server.use(
      http.post("*/console/api/datasets/d1/index-rebuild/stop", () => {
        told = { ...running, ...ended, status: "stopped" };
        return HttpResponse.json(told);
      }),
    );
    draw("owner", () => told);
    await userEvent.click(await screen.findByRole("button", { name: "Stop" }));
    expect(await screen.findByText(/^Stopped on /)).toBeVisible();
    expect(screen.queryByRole("button", { name: "Stop" })).toBeNull();
  });

  it.each(ENDS)("tells %j", async (change, role, text) => {
    draw("owner", () => ({ ...running, ...change }));
    expect(await screen.findByRole(role)).toHaveTextContent(text);
    expect(screen.queryByRole("progressbar")).toBeNull();
    expect(screen.queryByRole("button", { name: "Stop" })).toBeNull();
  });

  it("shows editors how far it is, and no buttons", async () => {
    draw("editor", () => running);
    expect(await screen.findByRole("progressbar")).toBeVisible();
    expect(await screen.findByText("Owners and admins can rebuild it.")).toBeVisible();
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("says when its state cannot be read, and tries again", async () => {
    let broken = true;
    server.use(http.post("*/console/api/workspaces/current", () => HttpResponse.json({ id: "w", name: "W", role: "owner" })));
    server.use(
      http.get("*/console/api/datasets/d1/index-state", () =>
        broken
          ? HttpResponse.json({ code: "internal_server_error", message: "It broke.", status: 500 }, { status: 500 })
          : HttpResponse.json({ store: "embedded", is_away: false, is_moving: false, done: 0, total: 0, rebuild: null }),
      ),
    );
    show(<RebuildSection dataset={{ id: "d1", name: "Policies" }} />);
    expect(await screen.findByRole("alert")).toHaveTextContent("It broke.");
    broken = false;
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  });
});

describe("figures of a rebuild", () => {
  it.each([
    [0, 0, undefined],
    [0, 10, 0],
    [999, 1000, 99],
    [1000, 1000, 100],
    [12, 10, 100],
  ])("%d of %d", (done, total, percent) => {
    expect(percentOf({ done, total })).toBe(percent);
  });

  it.each([
    [-3, "seconds", 0, 0],
    [59.4, "seconds", 59, 0],
    [60, "minutes", 1, 0],
    [3599, "minutes", 59, 59],
    [3600, "hours", 1, 0],
    [9000, "hours", 2, 30],
  ] as const)("%d seconds", (seconds, unit, large, small) => {
    expect(clockOf(seconds)).toEqual({ unit, large, small });
  });

  it("waits for what another server takes over, not for a command that died", () => {
    expect(isAlive({ ...running, status: "interrupted" })).toBe(true);
    expect(isAlive({ ...running, status: "interrupted", origin: "command" })).toBe(false);
    expect(isAlive({ ...running, status: "completed" })).toBe(false);
    expect(isAlive(null)).toBe(false);
  });
});
