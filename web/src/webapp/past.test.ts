import { describe, expect, it } from "vitest";
import { answerFrom, pastFrom, runFrom } from "./past";
import { resultText } from "./run";

describe("runs of before", () => {
  it("shows a workflow run with its nodes", () => {
    const steps = [{ id: "a", title: "Start", status: "succeeded", elapsed_time: 0.25 }];
    const run = runFrom({ id: "r", status: "succeeded", outputs: { result: "yes" }, steps, created_at: 5 });
    expect([run.turn.state, resultText(run), run.turn.steps]).toEqual(["done", "yes", [{ id: "a", title: "Start", status: "succeeded", seconds: 0.25 }]]);
  });

  it.each([
    ["failed", "failed"],
    ["stopped", "stopped"],
    ["partial-succeeded", "done"],
    ["running", "paused"],
  ])("tells that a run is %s", (status, state) => expect(runFrom({ id: "r", status, outputs: null, error: "why" }).turn.state).toBe(state));

  it("shows an answer that can be rated and kept", () => {
    const body = { id: "m", answer: "Hello", status: "normal", feedback: { rating: "like" }, inputs: { query: "x" }, created_at: 7 };
    const run = answerFrom(body);
    expect([run.turn.id, resultText(run), run.turn.rating]).toEqual(["m", "Hello", "like"]);
    expect(pastFrom("completion", body)).toMatchObject({ id: "m", at: 7, state: "done", inputs: { query: "x" } });
    expect(pastFrom("workflow", { ...body, status: "failed" })).toMatchObject({ state: "failed", run: null });
  });
});
