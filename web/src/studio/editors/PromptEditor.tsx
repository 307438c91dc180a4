/** Text with variables. The editor itself is loaded when the first one is shown. */
import { lazy, Suspense } from "react";
import type { VariableGroup, VariableType } from "../model/variables";

export interface PromptEditorProps {
  readonly node: string;
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  readonly single?: boolean;
  readonly types?: readonly VariableType[];
  /** Offers the `{{#context#}}` block. */
  readonly context?: boolean;
  /** Offers these besides the variables, first: marks that belong to this text alone. */
  readonly extra?: readonly VariableGroup[];
}

const Loaded = lazy(() => import("./PromptView").then((m) => ({ default: m.PromptView })));

export function PromptEditor(props: PromptEditorProps) {
  const skeleton = <div className={props.single ? "st-editor single" : "st-editor"} style={{ minHeight: props.single ? 26 : 72 }} aria-busy="true" />;
  return (
    <Suspense fallback={skeleton}>
      <Loaded {...props} />
    </Suspense>
  );
}
