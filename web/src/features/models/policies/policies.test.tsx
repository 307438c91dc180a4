import { configure, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { describe, expect, it, vi } from "vitest";
import type { Policies, PoliciesView } from "../../../data/policies";
import { show } from "../../../test/render";
import { server, withServer } from "../../../test/server";
import { PoliciesPage } from "./PoliciesPage";
import { freshName, newAccess, newRate, newTier, numberOf, replaced, without, wrongOf } from "./policies";
import { RefusalsCard } from "./RefusalsCard";

// The machine of the tests may be busy.
configure({ asyncUtilTimeout: 10_000 });
vi.setConfig({ testTimeout: 60_000 });
withServer();

const API = "*/console/api";
const usual: Policies = {
  cache: { enabled: false, models: null, semantic: false, threshold: 0.95, max_age_seconds: 3600, max_megabytes: 16, max_temperature: 0.3 },
  tiers: [],
  hedging: { models: [], max_percent: 10 },
  rates: [],
  access: [],
};
const tier = { ...newTier("short"), to: "p/small" };

describe("policies", () => {
  it("are wrong in one place at a time", () => {
    const cases: readonly (readonly [Partial<Policies>, string | undefined, string])[] = [
      [{}, undefined, ""],
      [{ cache: { ...usual.cache, models: [] } }, "cacheModels", ""],
      [{ tiers: [tier] }, undefined, ""],
      [{ tiers: [tier, { ...tier, name: " " }] }, "tierName", "2"],
      [{ tiers: [tier, { ...tier, name: "short " }] }, "tierTwice", "short"],
      [{ tiers: [{ ...tier, to: "" }] }, "tierTo", "short"],
      [{ tiers: [{ ...tier, min_tokens: 5, max_tokens: 4 }] }, "tierBounds", "short"],
      [{ tiers: [{ ...tier, min_complexity: 5, max_complexity: 5 }] }, undefined, ""],
      [{ rates: [newRate()] }, undefined, ""],
      [{ rates: [newRate(), { ...newRate(), requests_per_minute: null }] }, "rateEmpty", "2"],
      [{ access: [{ role: "normal", models: [], regions: null }] }, "accessEmpty", "1"],
      [{ access: [{ role: "normal", models: null, regions: null }] }, "accessEmpty", "1"],
      [{ access: [{ role: "normal", models: null, regions: ["eu-west-1"] }] }, undefined, ""],
    ];
    for (const [part, what, name] of cases) {
      expect(wrongOf({ ...usual, ...part }), JSON.stringify(part)).toEqual(what ? { what, name } : undefined);
    }
  });

  it("lists and numbers", () => {
    expect(replaced(["a", "b"], 1, "c")).toEqual(["a", "c"]);
    expect(without(["a", "b"], 0)).toEqual(["b"]);
    expect(["", " ", "x", "0", "1.5"].map(numberOf)).toEqual([null, null, null, 0, 1.5]);
    expect(freshName("Rule", ["Rule 1", "Rule 3"])).toBe("Rule 2");
    expect(newAccess([], [])?.role).toBe("dataset_operator");
    const all = ["admin", "editor", "normal", "dataset_operator"].map((role) => ({ role, models: null, regions: null }));
    expect(newAccess(all, ["a1"])?.app).toBe("a1");
    expect(newAccess([...all, { app: "a1", models: null, regions: null }], ["a1"])).toBeUndefined();
  });

  /** What the page asks for beside the policies. */
  const around = (models: readonly object[]) => [
    http.get(`${API}/workspaces/current/models/model-types/:type`, () => HttpResponse.json({ data: models })),
    http.get(`${API}/apps`, () => HttpResponse.json({ data: [], has_more: false, limit: 100, page: 1, total: 0 })),
    http.get(`${API}/tags`, () => HttpResponse.json([])),
    http.get(`${API}/workspaces/current/model-policies/refusals`, () => HttpResponse.json({ data: [] })),
  ];

  it("are set in one form", async () => {
    const sent = vi.fn();
    const kept = { answers: 3, bytes: 4096, most_bytes: 1 };
    const view = (policies: Policies): PoliciesView => ({ policies, kept });
    const model = (name: string) => ({ model: name, label: name, model_type: "llm", features: [], model_properties: { mode: "chat" }, status: "active" });
    const group = { provider: "oxidify/scripted", label: "Scripted", status: "active", models: [model("echo"), model("json")] };
    server.use(
      http.get(`${API}/workspaces/current/model-policies`, () => HttpResponse.json(view(usual))),
      http.put(`${API}/workspaces/current/model-policies`, async ({ request }) => {
        const body = (await request.json()) as Policies;
        sent(body);
        return HttpResponse.json(view(body));
      }),
      ...around([group]),
    );
    show(<PoliciesPage />);
    await userEvent.click(await screen.findByRole("switch", { name: "Keep answers" }));
    const age = screen.getByLabelText("Kept for (minutes)");
    await userEvent.clear(age);
    await userEvent.type(age, "120");
    await userEvent.click(screen.getByRole("switch", { name: /mean the same/ }));
    expect(screen.getByLabelText("Likeness at least")).toHaveValue(0.95);
    await userEvent.click(screen.getByRole("button", { name: "Add a rule" }));
    const save = screen.getByRole("button", { name: "Save the policies" });
    await userEvent.click(save);
    expect(await screen.findByRole("alert")).toHaveTextContent("choose the model that is asked");
    expect(sent).not.toHaveBeenCalled();
    await userEvent.click(screen.getByRole("button", { name: "Remove Rule 1" }));
    await userEvent.click(screen.getByRole("button", { name: "Add a limit" }));
    const limits = within(screen.getByRole("region", { name: "Rate limits" }));
    await userEvent.type(limits.getByLabelText("At the same time"), "4");
    await userEvent.click(save);
    expect(await screen.findByText(/3 answers, 4 KB/)).toBeVisible();
    expect(sent).toHaveBeenCalledWith({
      ...usual,
      cache: { ...usual.cache, enabled: true, semantic: true, max_age_seconds: 7200 },
      rates: [{ model: null, requests_per_minute: 60, tokens_per_minute: null, concurrent: 4, wait_seconds: 10 }],
    });
  });

  it("forget all answers", async () => {
    const purged = vi.fn();
    let kept = { answers: 3, bytes: 4096, most_bytes: 1 };
    server.use(
      http.get(`${API}/workspaces/current/model-policies`, () => HttpResponse.json({ policies: usual, kept })),
      http.post(`${API}/workspaces/current/model-policies/cache/purge`, () => {
        purged();
        kept = { ...kept, answers: 0, bytes: 0 };
        return HttpResponse.json({ answers: 3, bytes: 4096 });
      }),
      ...around([]),
    );
    show(<PoliciesPage />);
    await userEvent.click(await screen.findByRole("button", { name: "Forget all answers" }));
    await userEvent.click(within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Forget all answers" }));
    await waitFor(() => expect(purged).toHaveBeenCalledTimes(1));
    expect(await screen.findByText(/0 answers/)).toBeVisible();
  });

  it("tell what they refused, and why", async () => {
    const asked: string[] = [];
    const refused = {
      reason: "access",
      model: "openai/gpt-4o",
      count: 1200,
      last_at: Math.floor(Date.now() / 1000) - 120,
      last_why: 'The model openai/gpt-4o is not for members of the role "editor".',
      last_app_id: "a1",
    };
    server.use(
      http.get(`${API}/workspaces/current/model-policies/refusals`, ({ request }) => {
        const days = new URL(request.url).searchParams.get("days") ?? "";
        asked.push(days);
        if (days === "30") return HttpResponse.json({ code: "internal", message: "It broke.", status: 500 }, { status: 500 });
        return HttpResponse.json({ data: days === "1" ? [] : [refused] });
      }),
      http.get(`${API}/apps`, () => HttpResponse.json({ data: [{ id: "a1", name: "Helper" }], has_more: false, limit: 100, page: 1, total: 1 })),
    );
    show(<RefusalsCard />);
    const row = await screen.findByRole("listitem");
    expect(row).toHaveTextContent("Allow-list");
    expect(row).toHaveTextContent("1,200 times");
    expect(row).toHaveTextContent('not for members of the role "editor"');
    expect(await within(row).findByText(/App: Helper/)).toBeVisible();
    await userEvent.click(screen.getByRole("radio", { name: "Today" }));
    expect(await screen.findByText("Nothing was refused.")).toBeVisible();
    await userEvent.click(screen.getByRole("radio", { name: "30 days" }));
    expect(await screen.findByText("The refused calls could not be loaded")).toBeVisible();
    expect(asked).toContain("7");
  });
});
