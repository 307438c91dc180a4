/** A value to read and copy: texts as text, everything else as coloured JSON. */
import { Download } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { saveFile } from "../../lib/save";
import { Button } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";

const COLOURED = 40_000;
const SHOWN = 200_000;
const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/g;

export function isEmptyValue(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function colour(json: string): ReactNode[] {
  const parts: ReactNode[] = [];
  let from = 0;
  for (const match of json.matchAll(TOKEN)) {
    const [all, string, colon] = match;
    if (match.index > from) parts.push(json.slice(from, match.index));
    const key = `t${String(match.index)}`;
    parts.push(
      <span key={key} className={string ? (colon ? "tok-key" : "tok-str") : "tok-num"}>
        {string && colon ? string : all}
      </span>,
    );
    if (string && colon) parts.push(colon);
    from = match.index + all.length;
  }
  parts.push(json.slice(from));
  return parts;
}

export function Json({ title, value, tall }: { title: string; value: unknown; tall?: boolean }) {
  const { t } = useTranslation("logs");
  const { t: c } = useTranslation();
  const format = useFormat();
  const plain = typeof value === "string";
  const text = useMemo(() => (typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "")), [value]);
  const cut = text.length > SHOWN;
  const shown = useMemo(() => (plain || text.length > COLOURED ? text.slice(0, SHOWN) : colour(text)), [plain, text]);
  return (
    <section className="min-w-0" aria-label={title}>
      <div className="flex items-center justify-between gap-2 h-7">
        <h3 className="text-12 font-semibold">{title}</h3>
        <span className="flex items-center">
          {cut ? (
            <Button
              kind="quiet"
              size="sm"
              icon={Download}
              onClick={() => saveFile(`${title}.${plain ? "txt" : "json"}`, text, plain ? "text/plain" : "application/json")}
            >
              {t("json.download", { size: format.bytes(text.length) })}
            </Button>
          ) : null}
          <CopyButton text={text} label={t("json.copy", { name: title })} done={c("common.copied")} />
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling box must be reachable by keyboard */}
      <pre className="codebox overflow-auto" style={{ maxHeight: tall ? 520 : 260 }} tabIndex={0}>
        {isEmptyValue(value) ? <span className="text-ink-3">{t("json.empty")}</span> : shown}
        {cut ? <span className="text-ink-3">{`\n${t("json.cut")}`}</span> : null}
      </pre>
    </section>
  );
}
