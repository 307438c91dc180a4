/** What differs between two drafts, a row each. */
import { useTranslation } from "react-i18next";
import type { DifferenceRow } from "../model/compare";
import { ChangePair } from "../tray/CompareDialog";
import { KindTile } from "../tray/TraceTab";

const TONES = { added: "ok", removed: "bad", changed: "warn", moved: "" };
const SHOWN = 40;

interface Props {
  readonly rows: readonly DifferenceRow[];
  /** A row opens to the values before and after. */
  readonly detail?: boolean;
}

export function DifferenceList({ rows, detail }: Props) {
  const { t } = useTranslation("studio");
  return (
    <ul className={detail ? "st-list st-differences tall" : "st-list st-differences"} aria-label={t("differences.label")}>
      {rows.slice(0, SHOWN).map((row) => (
        <li key={`${row.what}${row.id}`}>
          {detail && row.values.length > 0 ? (
            <details>
              <summary className="st-row">
                <RowHead row={row} />
              </summary>
              <div className="st-changes">
                {row.values.map((value) => (
                  <ChangePair key={value.name} {...value} />
                ))}
              </div>
            </details>
          ) : (
            <div className="st-row">
              <RowHead row={row} />
            </div>
          )}
        </li>
      ))}
      {rows.length > SHOWN ? <li className="st-meta">{t("differences.more", { count: rows.length - SHOWN })}</li> : null}
    </ul>
  );
}

function RowHead({ row }: { row: DifferenceRow }) {
  const { t } = useTranslation("studio");
  return (
    <>
      <span className={`st-badge ${TONES[row.kind]}`}>{t(`differences.${row.kind}`)}</span>
      {row.type ? <KindTile kind={row.type} /> : null}
      <span className="st-clip">{row.title || t(row.what === "node" && !row.type ? "note.label" : `differences.${row.what}`)}</span>
      <span className="st-meta st-clip">{row.fields.join(", ")}</span>
    </>
  );
}
