/** How many runs there were over the time range, failures at the foot; a drag over it narrows the list. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type PointerEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { get } from "../../lib/http";

interface Bucket {
  readonly at: number;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly other: number;
}

interface Counts {
  readonly since: number;
  readonly until: number;
  readonly step_seconds: number;
  readonly total: number;
  readonly failed: number;
  readonly other: number;
  readonly buckets: readonly Bucket[];
}

export interface Span {
  readonly since: number;
  readonly until: number;
}

interface Props {
  readonly appId: string;
  /** The beginning of the time range. */
  readonly after: string;
  readonly keyword: string | undefined;
  readonly status: string | undefined;
  readonly live: boolean;
  readonly chosen: Span | undefined;
  readonly onChoose: (span: Span | undefined) => void;
}

const HEIGHT = 40;
const TICKS = 4;

export function Histogram({ appId, after, keyword, status, live, chosen, onChoose }: Props) {
  const { t } = useTranslation("logs");
  const format = useFormat();
  const plot = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<{ readonly from: number; readonly to: number }>();
  const counts = useQuery({
    queryKey: ["logs", "histogram", appId, after, keyword, status],
    queryFn: () => get<Counts>(`/apps/${appId}/workflow-app-logs/histogram`, { buckets: 60, created_at__after: after, keyword, status }),
    placeholderData: keepPreviousData,
    refetchInterval: live ? 3000 : false,
    retry: false,
  }).data;
  // Its place is kept while it is read; a server without it leaves the list as it was.
  if (!counts || counts.buckets.length === 0) return <div style={{ height: HEIGHT + 22 }} aria-hidden />;
  const { buckets, step_seconds: step } = counts;
  const top = Math.max(1, ...buckets.map((bucket) => bucket.total));
  const indexAt = (event: PointerEvent): number => {
    const box = plot.current?.getBoundingClientRect();
    if (!box || box.width === 0) return 0;
    return Math.max(0, Math.min(buckets.length - 1, Math.floor(((event.clientX - box.left) / box.width) * buckets.length)));
  };
  const inSpan = (at: number): boolean => {
    if (drag) return at >= Math.min(drag.from, drag.to) && at <= Math.max(drag.from, drag.to);
    const bucket = buckets[at];
    return chosen !== undefined && bucket !== undefined && bucket.at + step > chosen.since && bucket.at < chosen.until;
  };
  const finish = () => {
    if (!drag) return;
    const [low, high] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
    const first = buckets[low];
    const last = buckets[high];
    setDrag(undefined);
    if (!first || !last) return;
    const span = { since: first.at, until: last.at + step };
    // A click into what is chosen takes the choice back.
    onChoose(low === high && inSpan(low) && chosen ? undefined : span);
  };
  const days = counts.until - counts.since > 2 * 86_400;
  const tick = (at: number) =>
    new Intl.DateTimeFormat(
      document.documentElement.lang || "en",
      days ? { month: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
    ).format(at * 1000);
  return (
    <figure className="m-0 px-5 max-md:px-4 pb-1" aria-label={t("histogram.label", { count: counts.total, failed: counts.failed })}>
      <div
        ref={plot}
        className="histogram"
        style={{ height: HEIGHT }}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const at = indexAt(event);
          setDrag({ from: at, to: at });
        }}
        onPointerMove={(event) => {
          if (drag) setDrag({ ...drag, to: indexAt(event) });
        }}
        onPointerUp={finish}
        onPointerCancel={() => setDrag(undefined)}
      >
        {buckets.map((bucket, at) => (
          <span
            key={bucket.at}
            className="histogram-slot"
            data-chosen={inSpan(at)}
            title={t("histogram.bar", { time: format.dateTime(bucket.at), count: bucket.total, failed: bucket.failed })}
          >
            <span className="histogram-bar" style={{ height: `${(bucket.total / top) * 100}%` }}>
              {bucket.failed > 0 ? <span className="histogram-bad" style={{ height: `max(2px, ${(bucket.failed / bucket.total) * 100}%)` }} /> : null}
            </span>
          </span>
        ))}
      </div>
      <div className="flex justify-between text-11 text-ink-3 num" aria-hidden>
        {Array.from({ length: TICKS + 1 }, (_, i) => {
          const at = counts.since + ((counts.until - counts.since) * i) / TICKS;
          return <span key={at}>{tick(at)}</span>;
        })}
      </div>
    </figure>
  );
}
