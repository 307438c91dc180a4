/** What differs between two drafts, a row each. */
import { useTranslation } from "react-i18next";
import type { DifferenceRow } from "../model/compare";
import { KindTile } from "../tray/TraceTab";

const TONES = { added: "ok", removed: "bad", changed: "warn", moved: "" };
const SHOWN = 40;

export function DifferenceList({ rows }: { rows: readonly DifferenceRow[] }) {
  const { t } = useTranslation("studio");
  return (
    <ul className="st-list st-differences" aria-label={t("differences.label")}>
      {rows.slice(0, SHOWN).map((row) => (
        <li key={`${row.what}${row.id}`} className="st-row">
          <span className={`st-badge ${TONES[row.kind]}`}>{t(`differences.${row.kind}`)}</span>
          {row.type ? <KindTile kind={row.type} /> : null}
          <span className="st-clip">{row.title || t(`differences.${row.what}`)}</span>
          <span className="st-meta st-clip">{row.fields.join(", ")}</span>
        </li>
      ))}
      {rows.length > SHOWN ? <li className="st-meta">{t("differences.more", { count: rows.length - SHOWN })}</li> : null}
    </ul>
  );
}
