/** Empty, loading, failed, forbidden: one look for each, in the place where it happens. */
import { Lock, type LucideIcon, Unplug } from "lucide-react";
import { type CSSProperties, type ReactNode, useEffect, useState } from "react";
import { copyText } from "../lib/copy";
import { Button } from "./Button";

interface EmptyProps {
  readonly icon: LucideIcon;
  readonly cat?: string;
  readonly title: string;
  readonly text?: ReactNode;
  readonly children?: ReactNode;
}

export function Empty({ icon: Icon, cat, title, text, children }: EmptyProps) {
  return (
    <div className="flex flex-col items-center text-center gap-2 px-6 py-10 rounded-md border border-dashed border-line-2">
      <span className="tile mb-1" data-size="lg" data-cat={cat}>
        <Icon size={18} strokeWidth={1.75} aria-hidden />
      </span>
      <div className="font-semibold">{title}</div>
      {text ? <div className="text-ink-2 max-w-[44ch]">{text}</div> : null}
      {children ? <div className="flex gap-2 mt-2 flex-wrap justify-center">{children}</div> : null}
    </div>
  );
}

interface FailedProps {
  readonly title: string;
  readonly text?: string | undefined;
  readonly retry?: { readonly label: string; readonly onClick: () => void };
  readonly details?: { readonly label: string; readonly copied: string; readonly text: string };
}

export function Failed({ title, text, retry, details }: FailedProps) {
  const [copied, setCopied] = useState(false);
  return (
    <div role="alert" className="flex flex-col items-center text-center gap-2 px-6 py-10 rounded-md border border-danger-line bg-danger-soft">
      <Unplug size={20} strokeWidth={1.75} className="text-danger mb-1" aria-hidden />
      <div className="font-semibold">{title}</div>
      {text ? <div className="text-ink-2 max-w-[60ch]">{text}</div> : null}
      <div className="flex gap-2 mt-2">
        {retry ? <Button onClick={retry.onClick}>{retry.label}</Button> : null}
        {details ? (
          <Button kind="quiet" onClick={() => void copyText(details.text).then(() => setCopied(true))}>
            {copied ? details.copied : details.label}
          </Button>
        ) : null}
      </div>
    </div>
  );
}

export function Forbidden({ title, text }: { title: string; text?: string }) {
  return (
    <div className="flex flex-col items-center text-center gap-2 px-6 py-10 rounded-md border border-dashed border-line-2">
      <Lock size={20} strokeWidth={1.75} className="text-ink-3 mb-1" aria-hidden />
      <div className="font-semibold">{title}</div>
      {text ? <div className="text-ink-2">{text}</div> : null}
    </div>
  );
}

export function Skeleton({
  width,
  height,
  className,
  style,
}: {
  width?: number | string;
  height?: number | string;
  className?: string;
  style?: CSSProperties;
}) {
  return <span className={`sk${className ? ` ${className}` : ""}`} style={{ width: width ?? "100%", height: height ?? 10, ...style }} />;
}

/** Rows of the final height; after four seconds a line says what is slow. */
export function SkeletonRows({ rows, height, slow, label }: { rows: number; height: number; slow: string; label: string }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 4000);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, i) => (
        <div key={`row${String(i)}`} className="flex items-center gap-3 border-b border-line-1" style={{ height }}>
          <Skeleton width={28} height={28} />
          <div className="flex-1 flex flex-col gap-2">
            <Skeleton width={`${26 + ((i * 13) % 22)}%`} />
            {height > 40 ? <Skeleton width={`${40 + ((i * 17) % 26)}%`} height={8} /> : null}
          </div>
        </div>
      ))}
      {late ? <p className="hint pt-3">{slow}</p> : null}
    </div>
  );
}
