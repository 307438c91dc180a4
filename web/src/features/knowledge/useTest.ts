/** One run of the retrieval test: its settings, its answer, how long it took. */
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { testRetrieval } from "./api";
import { lacksModel, retrievalOf, wireRetrieval } from "./retrieval";
import type { AskedPicture, Dataset, HitAnswer, RetrievalModel } from "./types";

export interface Found {
  /** Empty where pictures alone were asked with. */
  readonly question: string;
  readonly pictures: readonly AskedPicture[];
  readonly answer: HitAnswer;
  /** Seconds until the answer was here. */
  readonly took: number;
}

export interface Test {
  readonly settings: RetrievalModel;
  readonly found: Found | undefined;
  readonly busy: boolean;
  readonly error: Error | undefined;
  readonly ready: boolean;
  readonly change: (settings: RetrievalModel) => void;
  readonly run: (question: string, pictures: readonly AskedPicture[], settings?: RetrievalModel) => void;
  readonly clear: () => void;
}

export function embeddingOf(dataset: Dataset): { readonly provider: string; readonly model: string } | undefined {
  return dataset.embedding_model && dataset.embedding_model_provider
    ? { provider: dataset.embedding_model_provider, model: dataset.embedding_model }
    : undefined;
}

export function useTest(dataset: Dataset): Test {
  const client = useQueryClient();
  const [settings, setSettings] = useState<RetrievalModel>(() => retrievalOf(dataset));
  const [found, setFound] = useState<Found>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const control = useRef<AbortController>(undefined);
  const run = (question: string, pictures: readonly AskedPicture[], next: RetrievalModel = settings) => {
    const text = question.trim();
    if ((text === "" && pictures.length === 0) || lacksModel(next)) return;
    control.current?.abort();
    const mine = new AbortController();
    control.current = mine;
    setBusy(true);
    setError(undefined);
    const start = performance.now();
    testRetrieval(dataset.id, { query: text, pictures, settings: wireRetrieval(next, embeddingOf(dataset)) }, mine.signal)
      .then(
        (answer) => {
          if (mine.signal.aborted) return;
          setFound({ question: text, pictures, answer, took: (performance.now() - start) / 1000 });
          void client.invalidateQueries({ queryKey: ["datasets", "queries", dataset.id] });
        },
        (failure: unknown) => {
          if (!mine.signal.aborted) setError(failure instanceof Error ? failure : new Error(String(failure)));
        },
      )
      .finally(() => {
        if (control.current === mine) setBusy(false);
      });
  };
  return {
    settings,
    found,
    busy,
    error,
    ready: !lacksModel(settings),
    change: setSettings,
    run,
    clear: () => {
      control.current?.abort();
      setFound(undefined);
      setError(undefined);
      setBusy(false);
    },
  };
}
