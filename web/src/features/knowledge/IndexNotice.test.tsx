import { screen, waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { describe, expect, it } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { IndexNotice, StoreNotice } from "./IndexNotice";
import type { IndexState } from "./types";

withServer();

const STATE = "*/console/api/datasets/d1/index-state";
const fine = { store: "qdrant", is_away: false, is_moving: false, done: 8, total: 8 };

const CASES: readonly (readonly [Partial<IndexState>, string])[] = [
  [{ is_moving: true, done: 2 }, "This knowledge base is being moved to qdrant: 25% is there. Until all is, the local index answers."],
  [{ is_moving: true, is_away: true, done: 2 }, "The move to qdrant waits at 25%: the store does not answer. The local index answers meanwhile."],
  [{ is_away: true }, "qdrant does not answer. Questions are answered by words only until it is back."],
  [{ done: 7 }, "qdrant is still taking over 1 change."],
];

describe("the state of the store of vectors", () => {
  it.each(CASES)("tells %j", async (change, text) => {
    server.use(http.get(STATE, () => HttpResponse.json({ ...fine, ...change })));
    show(<IndexNotice datasetId="d1" />);
    expect(await screen.findByRole("status")).toHaveTextContent(text);
    const bar = screen.queryByRole("progressbar");
    if (change.is_moving) expect(bar).toHaveAttribute("aria-valuenow", "25");
    else expect(bar).toBeNull();
  });

  it("says nothing while all is well, and nothing when it is not known", async () => {
    let asked = 0;
    server.use(
      http.get(STATE, () => {
        asked += 1;
        return HttpResponse.json(fine);
      }),
    );
    show(<IndexNotice datasetId="d1" />);
    await waitFor(() => expect(asked).toBe(1));
    expect(screen.queryByRole("status")).toBeNull();
  });

  it("goes when the store is back, without a reload", async () => {
    let away = true;
    server.use(http.get("*/console/api/datasets/vector-store", () => HttpResponse.json({ store: "qdrant", is_away: away })));
    show(<StoreNotice />);
    expect(await screen.findByRole("status")).toHaveTextContent("qdrant does not answer");
    away = false;
    await waitFor(() => expect(screen.queryByRole("status")).toBeNull(), { timeout: 4000 });
  });
});
