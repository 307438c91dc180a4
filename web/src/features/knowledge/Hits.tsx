/** What a test of retrieval found. */
import { ArrowDown, ArrowUp, Equal, SearchX, Target, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { errorDetails, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Menu } from "../../ui/Menu";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import type { Marked as Mark } from "./evaluation";
import { marked } from "./figures";
import { HitScores, HitTimes } from "./HitFigures";
import { bestWordsOf } from "./hitParts";
import { Pictures, withoutPictures } from "./Pictures";
import type { HitRecord } from "./types";
import type { Marks } from "./useMarks";
import type { Test } from "./useTest";

interface Props {
  readonly test: Test;
  /** How many places each chunk is higher than with the other settings; nothing where those do not find it. */
  readonly places?: ReadonlyMap<string, number | undefined> | undefined;
  /** What the question should find; nothing where that cannot be kept. */
  readonly marks?: Marks | undefined;
  readonly onOpen: (record: HitRecord) => void;
}

export function Hits({ test, places, marks, onOpen }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const { found, error, busy } = test;
  if (error)
    return (
      <Failed
        title={t("test.failed")}
        text={messageOf(error)}
        {...(found ? { retry: { label: c("common.retry"), onClick: () => test.run(found.question, found.pictures) } } : {})}
        details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(error) }}
      />
    );
  if (!found) return busy ? <SkeletonRows rows={4} height={80} slow={t("test.slow")} label={c("common.loading")} /> : null;
  const { records } = found.answer;
  const bestWords = bestWordsOf(records);
  const limit = test.settings.score_threshold_enabled ? (test.settings.score_threshold ?? 0) : undefined;
  return (
    <div className="flex flex-col gap-2" aria-busy={busy}>
      <HitTimes found={found} />
      {found.answer.shortcoming ? (
        <div className="banner" data-tone="warn">
          <TriangleAlert size={16} aria-hidden />
          {t("test.shortcoming", { text: found.answer.shortcoming })}
        </div>
      ) : null}
      {records.length === 0 ? (
        <Empty
          icon={SearchX}
          cat="knowledge"
          title={limit === undefined ? t("test.nothing") : t("test.under", { limit: limit.toFixed(2) })}
          text={limit === undefined ? t("test.nothingText") : undefined}
        >
          {limit === undefined ? null : (
            <Button
              onClick={() => {
                const open = { ...test.settings, score_threshold_enabled: false };
                test.change(open);
                test.run(found.question, found.pictures, open);
              }}
            >
              {t("test.noLimit")}
            </Button>
          )}
        </Empty>
      ) : (
        <ol className="flex flex-col gap-2" aria-label={t("test.results")}>
          {records.map((record, index) => (
            <Hit
              key={record.segment.id ?? `external ${index}`}
              record={record}
              place={index + 1}
              bestWords={bestWords}
              question={found.question}
              moved={places ? { by: places.get(record.segment.id) } : undefined}
              marks={marks}
              onOpen={() => onOpen(record)}
            />
          ))}
        </ol>
      )}
    </div>
  );
}

interface HitProps {
  readonly record: HitRecord;
  readonly place: number;
  readonly bestWords: number;
  readonly question: string;
  readonly moved: { readonly by: number | undefined } | undefined;
  readonly marks: Marks | undefined;
  readonly onOpen: () => void;
}

function Hit({ record, place, bestWords, question, moved, marks, onOpen }: HitProps) {
  const { t } = useTranslation("knowledge");
  const { segment, score } = record;
  // Knowledge of others has no chunks here.
  const isOwn = segment.id !== null;
  const content = withoutPictures(segment.content, record.files);
  return (
    <li className="kb-hit">
      <div className="flex items-baseline gap-2">
        <b className="num">{place}</b>
        {moved ? <Moved by={moved.by} /> : null}
        {isOwn ? (
          <button type="button" className="font-medium text-12 truncate hover:underline text-start" onClick={onOpen}>
            {segment.document.name}
          </button>
        ) : (
          <span className="font-medium text-12 truncate">{segment.document.name}</span>
        )}
        <span className="text-11 text-ink-3 num flex-none">
          {isOwn ? `#${segment.position}` : ""}
          {segment.page === null || segment.page === undefined ? "" : `, ${t("chunks.page", { page: segment.page + 1 })}`}
        </span>
        <b className="ms-auto num">{score === null ? "–" : score.toFixed(2)}</b>
      </div>
      <p className="kb-text kb-hit-text">
        {segment.before?.map((text, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: texts have no other name and never move
          <span key={index} className="text-ink-3">{`${text}\n`}</span>
        ))}
        <Marked text={segment.answer ? `${content}\n${segment.answer}` : content} question={question} />
        {segment.after?.map((text, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: texts have no other name and never move
          <span key={index} className="text-ink-3">{`\n${text}`}</span>
        ))}
      </p>
      <Pictures files={record.files} />
      {record.summary ? (
        <p className="text-12 text-ink-2 kb-text">
          <span className="font-medium">{t("summary.label")}</span> <Marked text={record.summary} question={question} />
        </p>
      ) : null}
      {record.child_chunks?.map((child) => (
        <div key={child.id} className="kb-child">
          <span className="text-ink-3 num">
            C{child.position} {child.score.toFixed(2)}
          </span>
          <span className="kb-text flex-1">
            <Marked text={child.content} question={question} />
          </span>
        </div>
      ))}
      <div className="flex items-center gap-4 flex-wrap">
        <HitScores record={record} bestWords={bestWords} />
        {marks ? (
          <MarkMenu
            name={`${segment.document.name} #${segment.position}`}
            value={marks.of(record)}
            busy={marks.busy}
            onSet={(mark) => marks.set(record, mark)}
          />
        ) : null}
      </div>
    </li>
  );
}

/** Whether this is what the question should find: any chunk of the document, or just this one. */
function MarkMenu({ name, value, busy, onSet }: { name: string; value: Mark; busy: boolean; onSet: (mark: Mark) => void }) {
  const { t } = useTranslation("knowledge");
  const choice = (mark: Mark) => ({ checked: value === mark, onSelect: () => onSet(value === mark ? undefined : mark) });
  return (
    <span className="ms-auto">
      <Menu
        trigger={
          <Button
            kind="quiet"
            size="sm"
            icon={Target}
            busy={busy}
            aria-pressed={value !== undefined}
            aria-label={t(value ? "evaluation.markedAs" : "evaluation.markThis", { name })}
          >
            {t(value ? "evaluation.expectedOne" : "evaluation.mark")}
          </Button>
        }
        entries={[
          { key: "head", head: t("evaluation.markHead") },
          { key: "document", label: t("evaluation.markDocument"), ...choice("document") },
          { key: "chunk", label: t("evaluation.markChunk"), ...choice("chunk") },
        ]}
      />
    </span>
  );
}

/** Higher, lower or the same as with the other settings. */
function Moved({ by }: { by: number | undefined }) {
  const { t } = useTranslation("knowledge");
  if (by === undefined) return <span className="badge">{t("test.onlyHere")}</span>;
  const Icon = by > 0 ? ArrowUp : by < 0 ? ArrowDown : Equal;
  return (
    <span
      className={`inline-flex items-center text-11 num ${by > 0 ? "text-success" : "text-ink-3"}`}
      role="img"
      aria-label={t(by === 0 ? "test.same" : by > 0 ? "test.higher" : "test.lower", { count: Math.abs(by) })}
    >
      <Icon size={12} strokeWidth={2} aria-hidden />
      {by === 0 ? null : Math.abs(by)}
    </span>
  );
}

export function Marked({ text, question }: { text: string; question: string }) {
  return (
    <>
      {marked(text, question).map((piece, index) =>
        // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no other name and never move
        piece.hit ? <mark key={index}>{piece.text}</mark> : <span key={index}>{piece.text}</span>,
      )}
    </>
  );
}
