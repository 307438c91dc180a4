/** A small line with its area; the text beside it carries the numbers. */
interface Props {
  readonly values: readonly number[];
  readonly tone?: "acc" | "bad" | "plain";
  readonly width?: number;
  readonly height?: number;
  /** What the line shows, for those who do not see it. */
  readonly label: string;
}

export function Sparkline({ values, tone = "plain", width = 116, height = 26, label }: Props) {
  const top = Math.max(1, ...values);
  const step = values.length > 1 ? width / (values.length - 1) : width;
  const points = values.map((value, i) => `${(i * step).toFixed(1)},${(height - 2 - (value / top) * (height - 5)).toFixed(1)}`);
  return (
    <svg className="spark" data-tone={tone} width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <path className="spark-area" d={`M0,${height} L${points.join(" L")} L${width},${height} Z`} />
      <polyline className="spark-line" points={points.join(" ")} fill="none" />
    </svg>
  );
}
