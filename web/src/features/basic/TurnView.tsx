/** A question and its answer, with what it took. */

import { Link } from "@tanstack/react-router";
import { ArrowUpRight, CircleAlert, CopyPlus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { SentFiles } from "../../ui/Attach";
import { Button } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { Prose } from "../../ui/Prose";
import { ReadAloud } from "../../ui/Speech";
import { Approvals } from "../tools/Approvals";
import { Thoughts } from "../tools/Thoughts";
import type { Source, Turn } from "./usePreview";

interface Props {
  readonly appId: string;
  readonly turn: Turn;
  readonly completion: boolean;
  readonly onMore: (() => void) | undefined;
  /** The routes of the app and its voice, where it speaks. */
  readonly speaks?: { readonly base: string; readonly voice: string } | undefined;
}

export function TurnView({ appId, turn, completion, onMore, speaks }: Props) {
  const { t } = useTranslation("basic");
  const { t: c } = useTranslation();
  const format = useFormat();
  return (
    <>
      {completion ? null : <SentFiles names={turn.files.map(({ name }) => name)} />}
      {completion ? null : (
        <div className="self-end bg-surface-4 rounded-lg px-3 py-2 max-w-[85%] whitespace-pre-wrap" style={{ overflowWrap: "anywhere" }}>
          <span className="visually-hidden">{t("preview.you")}: </span>
          {turn.query}
        </div>
      )}
      <div className="min-w-0">
        <Thoughts thoughts={turn.thoughts} busy={turn.state === "writing"} />
        <Approvals open={turn.approvals} />
        {turn.state === "writing" && turn.answer === "" && turn.approvals.length === 0 ? <span className="text-running">{t("preview.writing")}</span> : null}
        {turn.answer ? <Prose text={turn.answer} /> : null}
        {turn.state === "failed" ? (
          <div className="banner mt-2" data-tone="bad" role="alert">
            <CircleAlert size={16} aria-hidden />
            <span style={{ overflowWrap: "anywhere" }}>
              <b className="font-semibold">{t("preview.failed")}</b> {turn.error}
            </span>
          </div>
        ) : null}
        {turn.state === "writing" ? null : (
          <div className="flex items-center gap-3 mt-1.5 text-12 text-ink-3 num flex-wrap">
            {turn.state === "stopped" ? <span>{t("preview.stopped")}</span> : null}
            {turn.first === undefined ? null : <span>{t("preview.first", { time: format.duration(turn.first) })}</span>}
            {turn.total === undefined ? null : <span>{t("preview.total", { time: format.duration(turn.total) })}</span>}
            {turn.split ? (
              <span>{t("preview.split", { sent: format.number(turn.split.sent), written: format.number(turn.split.written) })}</span>
            ) : turn.tokens === undefined ? null : (
              <span>{t("preview.tokens", { count: turn.tokens })}</span>
            )}
            {turn.price === undefined ? null : <span>{format.money(turn.price, turn.currency)}</span>}
            {turn.answer ? <CopyButton text={turn.answer} label={t("preview.copy")} done={c("common.copied")} /> : null}
            {turn.answer && speaks ? <ReadAloud base={speaks.base} id={`preview-${turn.key}`} text={turn.answer} voice={speaks.voice} /> : null}
            {turn.logged ? (
              <Link
                to="/app/$appId/logs"
                params={{ appId }}
                search={{ chat: turn.logged.conversation }}
                target="_blank"
                className="ms-auto inline-flex items-center gap-1 text-accent-ink hover:underline min-h-6 max-md:min-h-10"
              >
                {t("preview.trace")}
                <ArrowUpRight size={12} strokeWidth={2} aria-hidden />
              </Link>
            ) : null}
          </div>
        )}
        {turn.state !== "writing" && turn.sources ? <Sources sources={turn.sources} /> : null}
        {onMore && turn.state === "done" ? (
          <Button size="sm" className="mt-2" icon={CopyPlus} onClick={onMore}>
            {t("preview.more")}
          </Button>
        ) : null}
      </div>
    </>
  );
}

/** What the answer rests on, a chip each; it opens its chunk where it stands. */
function Sources({ sources }: { sources: readonly Source[] }) {
  const { t } = useTranslation("basic");
  const format = useFormat();
  const chip = "inline-flex items-center gap-1.5 max-w-full min-h-6 max-md:min-h-10 px-1.5 rounded-sm bg-surface-1 text-12";
  return (
    <ul className="flex flex-wrap gap-1.5 mt-2" aria-label={t("preview.sources")}>
      {sources.map((source) => {
        const name = (
          <>
            <span className="badge num flex-none" data-tone="ok">
              {source.position}
            </span>
            <span className="truncate min-w-0 font-medium">{source.document}</span>
            {source.page === undefined ? null : <span className="text-ink-3 num flex-none">{t("preview.page", { page: source.page })}</span>}
            {source.score === undefined ? null : <span className="text-ink-3 num flex-none">{format.number(Math.round(source.score * 100) / 100)}</span>}
          </>
        );
        return (
          <li key={source.position} className="max-w-full min-w-0" title={source.content}>
            {source.chunk ? (
              <Link
                to="/datasets/$datasetId/documents/$documentId"
                params={{ datasetId: source.chunk.dataset, documentId: source.chunk.document }}
                search={{ chunk: source.chunk.segment }}
                target="_blank"
                className={`${chip} hover:bg-surface-3`}
                style={{ boxShadow: "0 0 0 1px var(--border-1)" }}
              >
                {name}
              </Link>
            ) : (
              <span className={chip} style={{ boxShadow: "0 0 0 1px var(--border-1)" }}>
                {name}
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}
