/** The instructions, with the variables of the form as chips. The editor is loaded after the page is drawn. */
import { lazy, type Ref, Suspense } from "react";
import type { FormField } from "./model";

export interface PromptHandle {
  /** Puts a variable where the cursor is. */
  readonly insert: (name: string) => void;
}

export interface PromptBoxProps {
  readonly label: string;
  readonly placeholder: string;
  readonly value: string;
  readonly fields: readonly FormField[];
  readonly onChange: (value: string) => void;
  readonly ref?: Ref<PromptHandle>;
}

const Loaded = lazy(() => import("./PromptBoxView").then((m) => ({ default: m.PromptBoxView })));

export function PromptBox(props: PromptBoxProps) {
  return (
    <Suspense fallback={<div className="promptbox" aria-busy="true" />}>
      <Loaded {...props} />
    </Suspense>
  );
}
