/** Code. The editor itself is loaded when the first one is shown. */
import { lazy, Suspense } from "react";

export interface CodeEditorProps {
  readonly label: string;
  readonly language: "javascript" | "python" | "json" | "jinja" | "text";
  readonly value: string;
  readonly onChange: (value: string) => void;
}

const Loaded = lazy(() => import("./CodeView").then((m) => ({ default: m.CodeView })));

export function CodeEditor(props: CodeEditorProps) {
  return (
    <Suspense fallback={<div className="st-editor code" style={{ minHeight: 176 }} aria-busy="true" />}>
      <Loaded {...props} />
    </Suspense>
  );
}
