/** Markdown, whose parser comes beside the first calls to the server; until it is here, the text as it is. */
import { lazy, type ReactNode, Suspense } from "react";

export type OnCite = (position: number) => void;

export interface MarkdownProps {
  readonly text: string;
  /** The text still grows. */
  readonly caret?: boolean;
  /** How many sources `[1]` may point at. */
  readonly sources?: number;
  readonly onCite?: OnCite | undefined;
}

const loading = import("./MarkdownView");
const MarkdownView = lazy(() => loading);

export function Prose(props: MarkdownProps): ReactNode {
  return (
    <Suspense fallback={<div className="md raw">{props.text}</div>}>
      <MarkdownView {...props} />
    </Suspense>
  );
}
