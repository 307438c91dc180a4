/** Runs a data source and follows what it finds. */
import { useCallback, useEffect, useRef, useState } from "react";
import { type SourceRun, sourceRunPath, type Workflow } from "../../data/pipelines";
import { messageOf } from "../../lib/http";
import { stream } from "../../lib/sse";
import { advance, IDLE, type SourceState, STARTED } from "./sources";

export function useSourceRun(pipelineId: string, which: Workflow, node: string) {
  const [state, setState] = useState<SourceState>(IDLE);
  const control = useRef<AbortController>(undefined);
  useEffect(() => () => control.current?.abort(), []);
  const start = useCallback(
    (body: SourceRun) => {
      control.current?.abort();
      const own = new AbortController();
      control.current = own;
      setState(STARTED);
      stream(
        sourceRunPath(pipelineId, which, node),
        body,
        (event) => {
          if (!own.signal.aborted) setState((now) => advance(now, event));
        },
        own.signal,
      ).then(
        // A stream that ends in the middle is a failure, whatever the reason.
        () => !own.signal.aborted && setState((now) => (now.status === "running" ? { status: "failed", error: "" } : now)),
        (error: unknown) => !own.signal.aborted && setState({ status: "failed", error: messageOf(error) }),
      );
    },
    [pipelineId, which, node],
  );
  const stop = () => {
    control.current?.abort();
    setState(IDLE);
  };
  return { state, start, stop };
}
