/** Which keys of the providers were tried, and what came of it. Nothing counts as working before it was asked. */
import { create } from "zustand";
import { keysOfModels, type Provider, type Tried, testCredential, testModelKey } from "../../data/models";
import { messageOf } from "../../lib/http";

export type KeyTest = { readonly works: true; readonly ms: number } | { readonly works: false; readonly reason: string };

/** Nothing to try: the provider has no key and no model with one. */
export type ProviderTest =
  | { readonly state: "waiting" | "testing" | "nothing" }
  | { readonly state: "done"; readonly keys: Readonly<Record<string, KeyTest>>; readonly names: Readonly<Record<string, string>> };

/** How many providers are asked at a time. */
export const AT_ONCE = 4;
/** Keys of one provider that one test tries. */
const MOST_KEYS = 50;

interface Target {
  readonly id: string;
  readonly name: string;
  readonly run: (signal: AbortSignal) => Promise<Tried>;
}

interface Run {
  readonly total: number;
  readonly done: number;
  readonly providers: readonly string[];
  readonly state: "running" | "done" | "cancelled";
}

interface Store {
  readonly tests: Readonly<Record<string, ProviderTest>>;
  readonly run: Run | undefined;
}

export const useProviderTests = create<Store>(() => ({ tests: {}, run: undefined }));
let abort: AbortController | undefined;

const setTest = (provider: string, test: ProviderTest | undefined) =>
  useProviderTests.setState(({ tests }) => {
    const { [provider]: _, ...others } = tests;
    return { tests: test ? { ...others, [provider]: test } : others };
  });

export const forgetTest = (provider: string) => setTest(provider, undefined);

/** Works only if every key that was tried works; the time is that of the quickest. */
export function summaryOf(test: Extract<ProviderTest, { state: "done" }>): {
  readonly works: boolean;
  readonly ms: number;
  readonly failed: readonly { readonly name: string; readonly reason: string }[];
  readonly total: number;
} {
  const all = Object.entries(test.keys);
  const failed = all.flatMap(([id, key]) => (key.works ? [] : [{ name: test.names[id] ?? "", reason: key.reason }]));
  const times = all.flatMap(([, key]) => (key.works ? [key.ms] : []));
  return { works: failed.length === 0, ms: Math.min(...times), failed, total: all.length };
}

async function targetsOf(provider: Provider, signal: AbortSignal): Promise<readonly Target[]> {
  const id = provider.provider;
  const keys = provider.custom_configuration.available_credentials ?? [];
  const own: Target[] = keys.map((key) => ({
    id: key.credential_id,
    name: key.credential_name,
    run: (cancel) => testCredential(id, key.credential_id, {}, cancel),
  }));
  if (own.length === 0 && provider.needs_credentials === false) own.push({ id: "", name: "", run: (cancel) => testCredential(id, undefined, {}, cancel) });
  if (!provider.configurate_methods.includes("customizable-model")) return own;
  const models = await keysOfModels(id, signal);
  return [...own, ...models.map(({ model, id: key, name }) => ({ id: key, name, run: (cancel: AbortSignal) => testModelKey(id, model, key, cancel) }))];
}

async function tryKey(target: Target, signal: AbortSignal): Promise<KeyTest> {
  const start = performance.now();
  try {
    const answer = await target.run(signal);
    if (answer.result !== "success") return { works: false, reason: answer.error ?? answer.result };
    return { works: true, ms: answer.latency_ms ?? Math.round(performance.now() - start) };
  } catch (error) {
    return { works: false, reason: messageOf(error) };
  }
}

/** Keys of one provider are tried one after another: they share its limits. */
async function tryProvider(provider: Provider, signal: AbortSignal): Promise<void> {
  setTest(provider.provider, { state: "testing" });
  let targets: readonly Target[];
  try {
    targets = (await targetsOf(provider, signal)).slice(0, MOST_KEYS);
  } catch (error) {
    if (signal.aborted) return forgetTest(provider.provider);
    return setTest(provider.provider, { state: "done", keys: { "": { works: false, reason: messageOf(error) } }, names: {} });
  }
  const keys: Record<string, KeyTest> = {};
  for (const target of targets) {
    const found = await tryKey(target, signal);
    if (signal.aborted) return forgetTest(provider.provider);
    keys[target.id] = found;
  }
  if (targets.length === 0) return setTest(provider.provider, { state: "nothing" });
  setTest(provider.provider, { state: "done", keys, names: Object.fromEntries(targets.map((target) => [target.id, target.name])) });
}

/** Tries the keys of these providers, a few providers at a time; a test that runs goes on alone. */
export async function testProviders(providers: readonly Provider[]): Promise<void> {
  if (useProviderTests.getState().run?.state === "running") return;
  const mine = new AbortController();
  abort = mine;
  const names = providers.map((provider) => provider.provider);
  useProviderTests.setState({ run: { total: names.length, done: 0, providers: names, state: "running" } });
  for (const name of names) setTest(name, { state: "waiting" });
  const queue = [...providers];
  const work = async () => {
    for (let next = queue.shift(); next && !mine.signal.aborted; next = queue.shift()) {
      await tryProvider(next, mine.signal);
      if (!mine.signal.aborted) useProviderTests.setState(({ run }) => (run ? { run: { ...run, done: run.done + 1 } } : {}));
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, providers.length) }, work));
  for (const name of names) if (useProviderTests.getState().tests[name]?.state === "waiting") forgetTest(name);
  useProviderTests.setState(({ run }) => (run ? { run: { ...run, state: mine.signal.aborted ? "cancelled" : "done" } } : {}));
}

/** What was found until then stays. */
export const cancelTests = () => abort?.abort();

/** Forgets all: for tests. */
export const resetTests = () => useProviderTests.setState({ tests: {}, run: undefined });
