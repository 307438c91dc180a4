/** Bars that stand on each other, or lines; read with the pointer, with the arrow keys, or as a table beside it. */
import { type KeyboardEvent, type PointerEvent, type RefObject, useEffect, useRef, useState } from "react";
import { scaleOf, segments } from "./figures";

export type Tone = "1" | "2" | "3" | "4" | "5" | "6" | "bad";

export interface Series {
  readonly key: string;
  readonly label: string;
  readonly tone: Tone;
  /** Null: unknown. */
  readonly values: readonly (number | null)[];
}

export interface Point {
  /** At the axis (empty: nothing), and in full. */
  readonly tick: string;
  readonly label: string;
}

interface Props {
  readonly kind: "bars" | "line";
  /** What it shows and its number, for those who do not see it. */
  readonly name: string;
  readonly points: readonly Point[];
  readonly series: readonly Series[];
  readonly height: number;
  readonly whole: boolean;
  readonly format: (value: number) => string;
  readonly mark: (value: number) => string;
  /** The place that is not over yet: drawn lighter. */
  readonly open: number | undefined;
  readonly onPick?: ((index: number) => void) | undefined;
}

const LEFT = 46;
const TOP = 8;
const BOTTOM = 22;
const LEAST_TICK = 76;

function useWidth(box: RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(600);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const read = () => setWidth(element.clientWidth || 600);
    read();
    const watch = new ResizeObserver(read);
    watch.observe(element);
    return () => watch.disconnect();
  }, [box]);
  return width;
}

export function told(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? "–" : format(value);
}

export function Chart({ kind, name, points, series, height, whole, format, mark, open, onPick }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const [at, setAt] = useState<number>();
  const count = points.length;
  const highest = (i: number) => {
    const values = series.map((each) => each.values[i] ?? 0);
    return kind === "bars" ? values.reduce((sum, value) => sum + value, 0) : Math.max(0, ...values);
  };
  const marks = scaleOf(Math.max(0, ...points.map((_, i) => highest(i))), whole);
  const top = marks.at(-1) ?? 1;
  const plot = { width: Math.max(1, width - LEFT - 4), height: height - TOP - BOTTOM };
  const slot = plot.width / Math.max(1, count);
  const x = (i: number) => LEFT + slot * (i + 0.5);
  const y = (value: number) => TOP + plot.height * (1 - value / top);
  const ticked = points.flatMap((each, i) => (each.tick === "" ? [] : [i]));
  const every = Math.max(1, Math.ceil(ticked.length / Math.max(1, Math.floor(plot.width / LEAST_TICK))));
  const indexAt = (event: PointerEvent): number | undefined => {
    const left = box.current?.getBoundingClientRect().left ?? 0;
    const found = Math.floor((event.clientX - left - LEFT) / slot);
    return found >= 0 && found < count ? found : undefined;
  };
  const keys = (event: KeyboardEvent) => {
    const now = at ?? count;
    const next: Readonly<Record<string, number>> = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: count - 1 };
    const wish = next[event.key];
    if (wish !== undefined) setAt(Math.max(0, Math.min(count - 1, wish)));
    else if (event.key === "Escape" && at !== undefined) setAt(undefined);
    else if (event.key === "Enter" && at !== undefined && onPick) onPick(at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const point = at === undefined ? undefined : points[at];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys read it
    <div ref={box} className="chart" role="group" aria-label={name} tabIndex={0} style={{ height }} onKeyDown={keys} onBlur={() => setAt(undefined)}>
      <svg
        width={width}
        height={height}
        aria-hidden="true"
        data-picks={onPick ? true : undefined}
        onPointerMove={(event) => setAt(indexAt(event))}
        onPointerLeave={() => setAt(undefined)}
        onClick={() => (at === undefined ? undefined : onPick?.(at))}
      >
        <rect x={LEFT} y={0} width={plot.width} height={height} fill="none" pointerEvents="all" />
        {marks.map((value) => (
          <g key={value}>
            <line className="chart-grid" x1={LEFT} x2={width - 4} y1={y(value)} y2={y(value)} />
            <text className="chart-mark" x={LEFT - 8} y={y(value) + 3.5} textAnchor="end">
              {mark(value)}
            </text>
          </g>
        ))}
        {ticked.map((i, nth) =>
          nth % every === 0 ? (
            <text key={i} className="chart-mark" x={x(i)} y={height - 5} textAnchor={i === 0 && slot < 40 ? "start" : "middle"}>
              {points[i]?.tick}
            </text>
          ) : null,
        )}
        {at === undefined ? null : kind === "bars" ? (
          <rect className="chart-slot" x={LEFT + slot * at} y={TOP} width={slot} height={plot.height} />
        ) : (
          <line className="chart-cursor" x1={x(at)} x2={x(at)} y1={TOP} y2={TOP + plot.height} />
        )}
        {kind === "bars" ? (
          <Bars series={series} count={count} slot={slot} x={x} y={y} open={open} />
        ) : (
          series.map((each) => <Line key={each.key} series={each} x={x} y={y} open={open} at={at} />)
        )}
      </svg>
      {point && at !== undefined ? (
        <div className="chart-tip" style={x(at) > width / 2 ? { right: width - x(at) + 10 } : { left: x(at) + 10 }}>
          <div className="chart-tip-head">{point.label}</div>
          {series.map((each) => (
            <div key={each.key} className="chart-tip-row">
              <span>{each.label}</span>
              <b className="num">{told(each.values[at], format)}</b>
            </div>
          ))}
        </div>
      ) : null}
      <span className="visually-hidden" role="status">
        {point && at !== undefined ? `${point.label}: ${series.map((each) => `${each.label} ${told(each.values[at], format)}`).join(", ")}` : ""}
      </span>
    </div>
  );
}

interface BarsProps {
  readonly series: readonly Series[];
  readonly count: number;
  readonly slot: number;
  readonly x: (i: number) => number;
  readonly y: (value: number) => number;
  readonly open: number | undefined;
}

function Bars({ series, count, slot, x, y, open }: BarsProps) {
  const width = Math.max(1, Math.min(36, slot - Math.max(1, Math.min(4, slot * 0.18))));
  const stack = (i: number) => {
    let sum = 0;
    return series.map((each) => {
      const value = each.values[i] ?? 0;
      if (value <= 0) return null;
      const foot = y(sum);
      sum += value;
      // What failed is seen, however little it is of the whole.
      const tall = Math.max(each.tone === "bad" ? 2 : 1, foot - y(sum));
      return (
        <rect
          key={each.key}
          className="chart-bar"
          data-tone={each.tone}
          data-open={i === open || undefined}
          x={x(i) - width / 2}
          y={foot - tall}
          width={width}
          height={tall}
          rx={Math.min(2, width / 4)}
        />
      );
    });
  };
  return (
    <g>
      {Array.from({ length: count }, (_, i) => (
        <g key={`at${String(i)}`}>{stack(i)}</g>
      ))}
    </g>
  );
}

interface LineProps {
  readonly series: Series;
  readonly x: (i: number) => number;
  readonly y: (value: number) => number;
  readonly open: number | undefined;
  readonly at: number | undefined;
}

function Line({ series, x, y, open, at }: LineProps) {
  const { tone, values } = series;
  const spot = (i: number) => `${x(i).toFixed(1)},${y(values[i] ?? 0).toFixed(1)}`;
  const value = at === undefined ? null : values[at];
  return (
    <g>
      {segments(values).map((part) => {
        const last = part.at(-1) ?? 0;
        const solid = last === open ? part.slice(0, -1) : part;
        const before = solid.at(-1);
        return (
          <g key={part[0]}>
            {solid.length > 1 ? <polyline className="chart-line" data-tone={tone} points={solid.map(spot).join(" ")} /> : null}
            {last === open && before !== undefined ? (
              <polyline className="chart-line" data-tone={tone} data-open points={`${spot(before)} ${spot(last)}`} />
            ) : null}
            {part.length === 1 || (solid.length === 1 && last === open) ? (
              <circle className="chart-dot" data-tone={tone} cx={x(part[0] ?? 0)} cy={y(values[part[0] ?? 0] ?? 0)} r={2.5} />
            ) : null}
          </g>
        );
      })}
      {at !== undefined && value !== null && value !== undefined ? <circle className="chart-knob" data-tone={tone} cx={x(at)} cy={y(value)} r={4} /> : null}
    </g>
  );
}
