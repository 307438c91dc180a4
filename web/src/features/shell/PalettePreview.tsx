/** Beside the list of the palette: what is known of the row under the cursor. */
import { Button } from "../../ui/Button";
import type { PaletteRow } from "./paletteRows";

export function PalettePreview({ row, onDone }: { row: PaletteRow | undefined; onDone: (action: () => void) => void }) {
  if (!row) return <div className="palette-side" />;
  const { about, excerpt, facts, actions } = row.preview ?? {};
  return (
    <div className="palette-side">
      <div className="flex items-center gap-2.5 min-w-0">
        {row.tile}
        <span className="min-w-0">
          <span className="font-semibold block truncate">{row.label}</span>
          {row.about ? <span className="text-12 text-ink-3 block truncate">{row.about}</span> : null}
        </span>
      </div>
      {about ? <p className="text-12 text-ink-2 line-clamp-3">{about}</p> : null}
      {excerpt ? <pre className="palette-text">{excerpt}</pre> : null}
      {facts && facts.length > 0 ? (
        <dl className="palette-facts">
          {facts.map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd className="num">{value}</dd>
            </div>
          ))}
        </dl>
      ) : null}
      {actions && actions.length > 0 ? (
        <div className="flex gap-1.5 mt-auto">
          {actions.map(({ label, run }) => (
            <Button key={label} size="sm" onClick={() => onDone(run)}>
              {label}
            </Button>
          ))}
        </div>
      ) : null}
    </div>
  );
}
