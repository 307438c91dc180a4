/** The filter of a log: what is chosen as tokens, words, the time range, live reading. */
import type { TFunction } from "i18next";
import { CalendarRange, Radio, Search, X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Format } from "../../lib/format";
import { useKeys } from "../../lib/keys";
import { Button, IconButton } from "../../ui/Button";
import { Kbd } from "../../ui/Kbd";
import { Menu } from "../../ui/Menu";
import type { Span } from "./Histogram";
import { DEFAULT_RANGE, RANGES, type Range } from "./search";

export interface Token {
  readonly key: string;
  readonly name: string;
  readonly value: string;
  readonly onRemove: () => void;
}

export const isoTime = (unix: number): string => new Date(unix * 1000).toISOString();

/** What was chosen on the histogram, as a token that can be taken away. */
export function spanToken(span: Span, t: TFunction<"logs">, format: Format, onRemove: () => void): Token {
  const sameDay = new Date(span.since * 1000).toDateString() === new Date(span.until * 1000).toDateString();
  const end = sameDay ? format.time(span.until) : format.dateTime(span.until);
  return { key: "span", name: t("filter.timeIs"), value: `${format.dateTime(span.since)} – ${end}`, onRemove };
}

interface Props {
  readonly lead: ReactNode;
  readonly tokens: readonly Token[];
  /** Undefined where the list cannot be searched. */
  readonly onWords: ((words: string) => void) | undefined;
  readonly words: string;
  readonly placeholder: string;
  readonly range: Range | undefined;
  readonly onRange: ((range: Range) => void) | undefined;
  readonly live: boolean;
  readonly onLive: () => void;
  readonly children?: ReactNode;
}

export function FilterBar({ lead, tokens, onWords, words, placeholder, range, onRange, live, onLive, children }: Props) {
  const { t } = useTranslation("logs");
  return (
    <div className="flex items-center gap-2 px-5 max-md:px-4 pt-3 pb-2 flex-wrap">
      {lead}
      <div className="inp flex-1" style={{ minWidth: 160, height: 30 }}>
        <Search size={14} strokeWidth={1.9} aria-hidden />
        {tokens.map((token) => (
          <span key={token.key} className="badge" style={{ height: 20 }}>
            <span className="font-regular">{token.name}</span>
            <span className="text-ink-1">{token.value}</span>
            <button
              type="button"
              className="inline-flex text-ink-3 hover:text-ink-1"
              aria-label={t("filter.remove", { name: `${token.name} ${token.value}` })}
              onClick={token.onRemove}
            >
              <X size={12} strokeWidth={2} aria-hidden />
            </button>
          </span>
        ))}
        <Words value={words} onChange={onWords} placeholder={placeholder} onBack={tokens.at(-1)?.onRemove} />
      </div>
      {children}
      {onRange ? (
        <Menu
          trigger={<Button icon={CalendarRange}>{t(`range.${range ?? DEFAULT_RANGE}`)}</Button>}
          entries={RANGES.map((key) => ({ key, label: t(`range.${key}`), checked: key === (range ?? DEFAULT_RANGE), onSelect: () => onRange(key) }))}
        />
      ) : null}
      <IconButton kind="default" icon={Radio} label={t(live ? "live.on" : "live.off")} aria-pressed={live} onClick={onLive} />
    </div>
  );
}

/** Types at once, asks after a moment. */
function Words({
  value,
  onChange,
  placeholder,
  onBack,
}: {
  value: string;
  onChange: ((words: string) => void) | undefined;
  placeholder: string;
  onBack: (() => void) | undefined;
}) {
  const box = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const latest = useRef(onChange);
  latest.current = onChange;
  useKeys({ "/": () => box.current?.focus() }, onChange !== undefined);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => latest.current?.(text), 250);
    return () => clearTimeout(timer);
  }, [text, value]);
  if (!onChange) return <span className="text-ink-3 truncate">{placeholder}</span>;
  return (
    <>
      <input
        ref={box}
        aria-label={placeholder}
        placeholder={placeholder}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
          if (event.key === "Backspace" && text === "") onBack?.();
        }}
      />
      <Kbd keys="/" />
    </>
  );
}
