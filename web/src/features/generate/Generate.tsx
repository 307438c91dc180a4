/** The dialog of a generator, loaded when it is first opened. */
import { lazy, Suspense } from "react";
import type { GenerateProps } from "./GenerateDialog";

const Loaded = lazy(() => import("./GenerateDialog").then((m) => ({ default: m.GenerateDialog })));

export function Generate(props: GenerateProps) {
  return (
    <Suspense fallback={null}>
      <Loaded {...props} />
    </Suspense>
  );
}
