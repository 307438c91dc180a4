/** A value to read and copy. Texts are shown as text, everything else as JSON. */
import { CopyButton } from "../parts/CopyButton";

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

export function asText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "");
}

export function JsonView({ title, value }: { title: string; value: unknown }) {
  if (isEmpty(value)) return null;
  const text = asText(value);
  return (
    <section className="st-section">
      <div className="st-between">
        <span className="st-label">{title}</span>
        <CopyButton text={text} name={title} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling box must be reachable by keyboard */}
      <pre className="st-code" tabIndex={0}>
        {text}
      </pre>
    </section>
  );
}
