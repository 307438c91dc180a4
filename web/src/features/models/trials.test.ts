import { HttpResponse, http } from "msw";
import { describe, expect, it } from "vitest";
import type { Provider } from "../../data/models";
import { server, withServer } from "../../test/server";
import { judge, someAtOnce, trialsOf } from "./trials";

withServer();
const W = "*/console/api/workspaces/current/model-providers";

function provider(keys: readonly string[], models: readonly (string | null)[] = []): Provider {
  return {
    provider: "a/b",
    label: "B",
    supported_model_types: ["llm"],
    configurate_methods: ["predefined-model"],
    provider_credential_schema: null,
    model_credential_schema: null,
    custom_configuration: {
      status: "active",
      current_credential_id: null,
      current_credential_name: null,
      available_credentials: keys.map((key) => ({ credential_id: key, credential_name: `key ${key}` })),
      custom_models: models.map((id, at) => ({ model: `m${at}`, model_type: "llm", current_credential_id: id })),
    },
  };
}

/** A clock that goes on by 200 ms each time it is read. */
function clock(): () => number {
  let at = 0;
  return () => {
    at += 200;
    return at;
  };
}

describe("the keys of a provider", () => {
  it("are those of its own and of its models", () => {
    expect(trialsOf(provider(["1", "2"], ["3", null])).map((trial) => trial.name)).toEqual(["key 1", "key 2", "m0"]);
    expect(trialsOf(provider([]))).toEqual([]);
  });

  it("are tried as they are stored, and every refusal is told", async () => {
    const sent: unknown[] = [];
    server.use(
      http.post(`${W}/a/b/credentials/validate`, async ({ request }) => {
        const body = (await request.json()) as { credential_id: string };
        sent.push(body);
        return HttpResponse.json(body.credential_id === "2" ? { result: "error", error: "no such key" } : { result: "success" });
      }),
      http.post(`${W}/a/b/models/credentials/validate`, async ({ request }) => {
        sent.push(await request.json());
        return HttpResponse.json({ code: "x", message: "not now", status: 503 }, { status: 503 });
      }),
    );
    const signal = new AbortController().signal;
    expect(await judge(provider(["1"]), signal, clock())).toEqual({ kind: "works", seconds: 0.2 });
    expect(await judge(provider(["1", "2"], ["3"]), signal, clock())).toEqual({ kind: "failed", reasons: ["key 2: no such key", "m0: not now"] });
    expect(sent.at(1)).toEqual({ credential_id: "1", credentials: {} });
    expect(sent.at(-1)).toEqual({ model: "m0", model_type: "llm", credential_id: "3", credentials: {} });
  });
});

describe("work of several at a time", () => {
  it("is bounded, and ends when it is not wanted any more", async () => {
    let open = 0;
    let most = 0;
    const done: number[] = [];
    const work = async (job: number) => {
      open += 1;
      most = Math.max(most, open);
      await Promise.resolve();
      open -= 1;
      done.push(job);
    };
    await someAtOnce([1, 2, 3, 4, 5], 2, work, () => done.length >= 4);
    expect(most).toBe(2);
    expect(done).toEqual([1, 2, 3, 4]);
    await someAtOnce([], 2, work, () => false);
  });
});
