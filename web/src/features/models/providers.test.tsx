import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, it } from "vitest";
import type { Provider } from "../../data/models";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { ProvidersPage } from "./ProvidersPage";
import { AT_ONCE, cancelTests, resetTests, summaryOf, testProviders, useProviderTests } from "./providerTests";
import { shareOf } from "./usage";

const provider = (name: string, keys: readonly string[]): Provider => ({
  provider: name,
  label: { en_US: name.toUpperCase() },
  supported_model_types: ["llm"],
  configurate_methods: ["predefined-model"],
  provider_credential_schema: { credential_form_schemas: [{ variable: "key", label: { en_US: "Key" }, type: "secret-input", required: true }] },
  model_credential_schema: null,
  custom_configuration: {
    status: keys.length > 0 ? "active" : "no-configure",
    current_credential_id: keys[0] ?? null,
    current_credential_name: keys[0] ?? null,
    available_credentials: keys.map((key) => ({ credential_id: key, credential_name: `key ${key}` })),
  },
});

const model = (name: string) => ({
  model: name,
  label: { en_US: name },
  model_type: "llm",
  features: null,
  fetch_from: "predefined-model",
  model_properties: {},
  status: "active",
});

const VALIDATE = "*/console/api/workspaces/current/model-providers/:provider/credentials/validate";
const LONG = { timeout: 5_000 };

beforeEach(resetTests);

it("works only when every key works", () => {
  const names = { a: "main", b: "spare" };
  expect(summaryOf({ state: "done", keys: { a: { works: true, ms: 90 }, b: { works: true, ms: 40 } }, names })).toMatchObject({
    works: true,
    ms: 40,
    total: 2,
  });
  expect(summaryOf({ state: "done", keys: { a: { works: true, ms: 90 }, b: { works: false, reason: "401" } }, names })).toMatchObject({
    works: false,
    failed: [{ name: "spare", reason: "401" }],
  });
});

describe("a test of many", () => {
  withServer();

  it("asks a few at a time, with the key that is stored", async () => {
    let open = 0;
    let most = 0;
    const bodies: unknown[] = [];
    server.use(
      http.post(VALIDATE, async ({ request }) => {
        most = Math.max(most, ++open);
        bodies.push(await request.json());
        await Promise.resolve();
        open -= 1;
        return HttpResponse.json({ result: "success" });
      }),
    );
    await testProviders(Array.from({ length: 9 }, (_, at) => provider(`p${at}`, [`k${at}`])));
    expect(bodies).toHaveLength(9);
    expect(bodies).toContainEqual({ credential_id: "k3", credentials: {} });
    expect(most).toBeLessThanOrEqual(AT_ONCE);
    expect(useProviderTests.getState().run).toMatchObject({ total: 9, done: 9, state: "done" });
  });

  it("stops when it is cancelled, and keeps what was found", async () => {
    server.use(
      http.post(VALIDATE, ({ params }) => {
        if (params.provider === "p0") return HttpResponse.json({ result: "success" });
        cancelTests();
        return new Promise<never>(() => {});
      }),
    );
    await testProviders([provider("p0", ["k0"])]);
    await testProviders(Array.from({ length: 6 }, (_, at) => provider(`p${at + 1}`, ["k"])));
    expect(Object.keys(useProviderTests.getState().tests)).toEqual(["p0"]);
    expect(useProviderTests.getState().run).toMatchObject({ done: 0, state: "cancelled" });
  });
});

describe("the page", { timeout: 30_000 }, () => {
  withServer();

  it("says what was tested, and what a provider answered", async () => {
    server.use(
      http.post("*/console/api/workspaces/current", () => HttpResponse.json({ id: "w", name: "W", role: "owner" })),
      http.get("*/console/api/workspaces/current/model-providers", () => HttpResponse.json({ data: [provider("aa", ["1"]), provider("bb", ["2"])] })),
      http.get("*/console/api/workspaces/current/model-providers/:provider/models", () => HttpResponse.json({ data: [] })),
      http.get("*/console/api/workspaces/current/models/model-types/:type", () => HttpResponse.json({ data: [] })),
      http.get("*/console/api/workspaces/current/default-model", () => HttpResponse.json({ data: null })),
      http.get("*/console/api/workspaces/current/model-spend/providers", () => HttpResponse.json({ since: 0, until: 86_400, data: [] })),
      http.post(VALIDATE, ({ params }) => HttpResponse.json(params.provider === "aa" ? { result: "success" } : { result: "error", error: "401 bad key" })),
    );
    show(<ProvidersPage />);
    const good = await screen.findByRole("region", { name: "AA" }, LONG);
    expect(within(good).getByText("Not tested")).toBeVisible();
    await userEvent.click(await screen.findByRole("button", { name: "Test all" }, LONG));
    // On the card and on its key.
    expect(await within(good).findAllByText(/^Works, /, {}, LONG)).toHaveLength(2);
    const bad = screen.getByRole("region", { name: "BB" });
    expect((await within(bad).findAllByText("Failed", {}, LONG))[0]).toBeVisible();
    expect(within(bad).getByText("401 bad key")).toBeVisible();
    expect(await screen.findByText("1 of 2 tested providers work. Failed: BB.", {}, LONG)).toBeVisible();
  });

  it("tells what a provider was asked, and that another was not", async () => {
    let role = "owner";
    let asked = 0;
    server.use(
      http.post("*/console/api/workspaces/current", () => HttpResponse.json({ id: "w", name: "W", role })),
      http.get("*/console/api/workspaces/current/model-providers", () => HttpResponse.json({ data: [provider("aa", ["1"]), provider("bb", ["2"])] })),
      http.get("*/console/api/workspaces/current/model-providers/:provider/models", ({ params }) =>
        HttpResponse.json({ data: params.provider === "aa" ? [model("big"), model("small")] : [] }),
      ),
      http.get("*/console/api/workspaces/current/models/model-types/:type", () => HttpResponse.json({ data: [] })),
      http.get("*/console/api/workspaces/current/default-model", () => HttpResponse.json({ data: null })),
      http.get("*/console/api/workspaces/current/model-spend/providers", () => {
        asked += 1;
        const until = Math.floor(Date.now() / 1000);
        const steps = Array.from({ length: 24 }, (_, at) => at);
        const used = { calls: 276, failed: 2, apps: 3 };
        const one = { provider: "aa", ...used, last_call_at: until - 240, latency_p50_ms: 440, first_token_p50_ms: 210, steps };
        return HttpResponse.json({ since: until - 86_400, until, data: [{ ...one, models: [{ model: "big", ...used }], keys: [] }] });
      }),
    );
    const first = show(<ProvidersPage />);
    const busy = await screen.findByRole("region", { name: "AA" }, LONG);
    expect(await within(busy).findByText("p50 0.44 s", {}, LONG)).toBeVisible();
    expect(within(busy).getByText("first token 0.21 s")).toBeVisible();
    expect(within(busy).getByRole("img", { name: "276 calls of AA in the last 24 hours, by time" })).toBeVisible();
    expect(within(busy).getByText(/^, last call 4 min\.? ago$/).parentElement).toHaveTextContent(/^1 key, last call/);
    expect(await within(busy).findByRole("row", { name: /^big.*3 apps/ }, LONG)).toBeVisible();
    expect(within(busy).getByRole("row", { name: /^small.*No calls/ })).toBeVisible();
    const quiet = screen.getByRole("region", { name: "BB" });
    expect(within(quiet).getByText("1 key, no calls in the last 24 hours")).toBeVisible();
    expect(within(quiet).queryByRole("img", { name: /by time/ })).toBeNull();

    first.unmount();
    [role, asked] = ["normal", 0];
    show(<ProvidersPage />);
    expect(within(await screen.findByRole("region", { name: "BB" }, LONG)).getByText("1 key")).toBeVisible();
    expect(asked).toBe(0);
  });

  it("tells how the load is spread over the keys, and which of them rests", async () => {
    const until = Math.floor(Date.now() / 1000);
    const key = { failed: 0, last_call_at: until - 5, in_cooldown: false, ttl: 0 };
    const used = { calls: 300, failed: 3, apps: 1 };
    const keys = [
      { ...key, credential_id: "1", calls: 62 },
      { ...key, credential_id: "2", calls: 38, failed: 3, in_cooldown: true, ttl: 12 },
    ];
    const one = { provider: "aa", ...used, last_call_at: until - 5, latency_p50_ms: 440, first_token_p50_ms: null, steps: [300], models: [], keys };
    server.use(
      http.post("*/console/api/workspaces/current", () => HttpResponse.json({ id: "w", name: "W", role: "owner" })),
      http.get("*/console/api/workspaces/current/model-providers", () => HttpResponse.json({ data: [provider("aa", ["1", "2", "3"])] })),
      http.get("*/console/api/workspaces/current/model-providers/:provider/models", () => HttpResponse.json({ data: [] })),
      http.get("*/console/api/workspaces/current/models/model-types/:type", () => HttpResponse.json({ data: [] })),
      http.get("*/console/api/workspaces/current/default-model", () => HttpResponse.json({ data: null })),
      http.get("*/console/api/workspaces/current/model-spend/providers", () => HttpResponse.json({ since: until - 86_400, until, data: [one] })),
    );
    show(<ProvidersPage />);
    const card = await screen.findByRole("region", { name: "AA" }, LONG);
    const main = await within(card).findByTitle(/^The part of key 1 .*62 calls in the last 24 hours/, {}, LONG);
    expect(main).toHaveTextContent("62%62 calls");
    expect(within(card).getByTitle(/^The part of key 2 /)).toHaveTextContent("38%38 calls3 failed");
    expect(within(card).getByTitle(/^The part of key 3 /)).toHaveTextContent("0%0 calls");
    expect(within(card).getAllByText("Resting")).toHaveLength(1);
  });

  it("shares are of the calls whose key is known", () => {
    const use = (...calls: number[]) =>
      ({ keys: calls.map((count, at) => ({ credential_id: String(at), calls: count })) }) as unknown as Parameters<typeof shareOf>[0];
    expect(shareOf(use(3, 1), "0")).toBe(0.75);
    expect(shareOf(use(3, 1), "other")).toBe(0);
    expect(shareOf(use(), "0")).toBeUndefined();
    expect(shareOf(use(0), "0")).toBeUndefined();
  });
});
