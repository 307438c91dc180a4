/** "Run" and "Publish" asked for by a key or the command palette; the top bar answers. */
type Listener = (what: "run" | "publish") => void;

let listener: Listener | undefined;

export function onRequest(next: Listener): () => void {
  listener = next;
  return () => {
    if (listener === next) listener = undefined;
  };
}

export function requestRun(): void {
  listener?.("run");
}

export function requestPublish(): void {
  listener?.("publish");
}
