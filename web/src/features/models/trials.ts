/** Trying out the stored keys of providers, several at a time, and what came of it. */
import { useCallback, useEffect, useRef, useState } from "react";
import { type Provider, tryStoredKey, tryStoredModel } from "../../data/models";
import { messageOf } from "../../lib/http";

/** One key of a provider, or of one of its models. */
export interface Trial {
  readonly name: string;
  readonly run: (signal: AbortSignal) => Promise<{ readonly result: string; readonly error?: string }>;
}

export type Verdict =
  | { readonly kind: "testing" }
  /** The slowest of its keys, in seconds. */
  | { readonly kind: "works"; readonly seconds: number }
  | { readonly kind: "failed"; readonly reasons: readonly string[] };

/** Tests under way at the same time. */
const AT_ONCE = 4;

export function trialsOf({ provider, custom_configuration: { available_credentials, custom_models } }: Provider): Trial[] {
  return [
    ...(available_credentials ?? []).map((key) => ({
      name: key.credential_name,
      run: (signal: AbortSignal) => tryStoredKey(provider, key.credential_id, signal),
    })),
    ...(custom_models ?? []).flatMap((model) =>
      model.current_credential_id
        ? [{ name: model.model, run: (signal: AbortSignal) => tryStoredModel(provider, model, model.current_credential_id ?? "", signal) }]
        : [],
    ),
  ];
}

/** Does jobs a few at a time, until they are done or no more are wanted. */
export async function someAtOnce<T>(jobs: readonly T[], most: number, work: (job: T) => Promise<void>, isOver: () => boolean): Promise<void> {
  const left = [...jobs];
  const hand = async () => {
    for (let job = left.shift(); job !== undefined && !isOver(); job = left.shift()) await work(job);
  };
  await Promise.all(Array.from({ length: Math.min(most, jobs.length) }, hand));
}

/** Every key of a provider, one after the other. */
export async function judge(provider: Provider, signal: AbortSignal, now: () => number = () => performance.now()): Promise<Verdict> {
  const reasons: string[] = [];
  let slowest = 0;
  for (const trial of trialsOf(provider)) {
    const began = now();
    try {
      const { result, error } = await trial.run(signal);
      if (result !== "success") reasons.push(`${trial.name}: ${error ?? result}`);
    } catch (error) {
      if (signal.aborted) break;
      reasons.push(`${trial.name}: ${messageOf(error)}`);
    }
    slowest = Math.max(slowest, now() - began);
  }
  return reasons.length > 0 ? { kind: "failed", reasons } : { kind: "works", seconds: slowest / 1000 };
}

/** The verdicts of a page, by provider. */
export function useTrials() {
  const [verdicts, setVerdicts] = useState<Readonly<Record<string, Verdict>>>({});
  const [busy, setBusy] = useState(false);
  const current = useRef<AbortController>(undefined);
  useEffect(() => () => current.current?.abort(), []);
  const set = useCallback((id: string, verdict: Verdict | undefined) => {
    setVerdicts(({ [id]: _, ...others }) => (verdict ? { ...others, [id]: verdict } : others));
  }, []);
  /** The verdicts of those that were judged before somebody stopped it. */
  const start = useCallback(
    async (providers: readonly Provider[]): Promise<Verdict[]> => {
      const stop = new AbortController();
      current.current = stop;
      setBusy(true);
      const found: Verdict[] = [];
      const judged = async (provider: Provider) => {
        set(provider.provider, { kind: "testing" });
        const verdict = await judge(provider, stop.signal);
        if (stop.signal.aborted) return set(provider.provider, undefined);
        found.push(verdict);
        set(provider.provider, verdict);
      };
      await someAtOnce(providers, AT_ONCE, judged, () => stop.signal.aborted);
      setBusy(false);
      return found;
    },
    [set],
  );
  const stop = useCallback(() => current.current?.abort(), []);
  return { verdicts, busy, start, stop };
}
