/** A small line with its area; the text beside it carries the numbers. */
interface Props {
  readonly values: readonly number[];
  /** A number: that colour of the charts. */
  readonly tone?: "acc" | "ok" | "bad" | "plain" | "1" | "2" | "3" | "4" | "5" | "6";
  /** As wide as its place instead of 116 px. */
  readonly wide?: boolean;
  /** What the line shows, for those who do not see it. */
  readonly label: string;
}

const WIDTH = 116;
const HEIGHT = 26;

export function Sparkline({ values, tone = "plain", wide, label }: Props) {
  const top = Math.max(1, ...values);
  const step = values.length > 1 ? WIDTH / (values.length - 1) : WIDTH;
  const points = values.map((value, i) => `${(i * step).toFixed(1)},${(HEIGHT - 2 - (value / top) * (HEIGHT - 5)).toFixed(1)}`);
  return (
    <svg
      className="spark"
      data-tone={tone}
      width={wide ? "100%" : WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path className="spark-area" d={`M0,${HEIGHT} L${points.join(" L")} L${WIDTH},${HEIGHT} Z`} />
      <polyline className="spark-line" points={points.join(" ")} fill="none" />
    </svg>
  );
}
