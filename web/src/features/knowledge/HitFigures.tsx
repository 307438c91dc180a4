/** What the score of a hit is made of, and where the time of a search went. */
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { type Part, partsOf } from "./hitParts";
import type { HitRecord } from "./types";
import type { Found } from "./useTest";

const STEPS = ["embedding", "vectors", "words", "rerank"] as const;

const COLOURS: Record<Part["name"], string> = {
  meaning: "var(--cat-logic)",
  words: "var(--cat-transform)",
  rerank: "var(--cat-knowledge)",
};

/** How many there are, and how long each step took. */
export function HitTimes({ found }: { found: Found }) {
  const { t } = useTranslation("knowledge");
  const format = useFormat();
  const { times, records } = found.answer;
  return (
    <div className="flex gap-x-3 gap-y-1 flex-wrap text-11 text-ink-3 num" role="status">
      <span className="font-semibold text-ink-2">{t("test.count", { count: records.length })}</span>
      {STEPS.map((step) => {
        const took = times?.[step];
        return took === null || took === undefined ? null : <span key={step}>{t(`test.times.${step}`, { time: format.duration(took) })}</span>;
      })}
      <span className="ms-auto">{t("test.took", { time: format.duration(times?.total ?? found.took) })}</span>
    </div>
  );
}

/** A bar for each side that scored it. `bestWords` is the best BM25 score of the list: it has no scale of its own. */
export function HitScores({ record, bestWords }: { record: HitRecord; bestWords: number }) {
  const { t } = useTranslation("knowledge");
  const parts = partsOf(record, bestWords);
  const final = record.score;
  return (
    <>
      {parts.map(({ name, score, share }) => (
        <span key={name} className="kb-score" title={t(`test.parts.${name}About`)}>
          {t(`test.parts.${name}`)}
          <span className="kb-meter" aria-hidden>
            <span style={{ width: `${share * 100}%`, background: COLOURS[name] }} />
          </span>
          <span className="num">{score.toFixed(2)}</span>
        </span>
      ))}
      {final === null ? null : (
        <span className="kb-score" title={t("test.parts.finalAbout")}>
          {t(parts.length === 0 ? "test.score" : "test.parts.final")}
          {parts.length === 0 ? (
            <span className="kb-meter" aria-hidden>
              <span style={{ width: `${Math.max(0, Math.min(1, final)) * 100}%`, background: "var(--cat-knowledge)" }} />
            </span>
          ) : null}
          <span className="num">{final.toFixed(2)}</span>
        </span>
      )}
    </>
  );
}
