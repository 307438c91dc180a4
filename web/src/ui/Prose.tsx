/** Markdown of an answer; links open beside, nothing in it can run. */
import { lazy, Suspense } from "react";

const Rendered = lazy(async () => {
  const [{ default: Markdown }, { default: gfm }] = await Promise.all([import("react-markdown"), import("remark-gfm")]);
  return {
    default: ({ text }: { text: string }) => (
      <Markdown
        remarkPlugins={[gfm]}
        components={{
          a: ({ href, children }) => (
            <a href={href} target="_blank" rel="noreferrer noopener">
              {children}
            </a>
          ),
        }}
      >
        {text}
      </Markdown>
    ),
  };
});

export function Prose({ text }: { text: string }) {
  return (
    <div className="prose">
      <Suspense fallback={<p style={{ whiteSpace: "pre-wrap" }}>{text}</p>}>
        <Rendered text={text} />
      </Suspense>
    </div>
  );
}
