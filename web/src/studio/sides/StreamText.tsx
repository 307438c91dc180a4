/** Text as it arrives: follows the end until the reader scrolls away; screen readers hear whole sentences. */
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../parts/controls";

const NEAR = 24;

function lastSentence(text: string): string {
  const end = Math.max(text.lastIndexOf(". "), text.lastIndexOf("。"), text.lastIndexOf("\n"), text.lastIndexOf("! "), text.lastIndexOf("? "));
  return end < 0 ? "" : text.slice(0, end + 1).slice(-300);
}

export function StreamText({ text, live }: { text: string; live: boolean }) {
  const { t } = useTranslation("studio");
  const box = useRef<HTMLDivElement>(null);
  const [follow, setFollow] = useState(true);
  useEffect(() => {
    const element = box.current;
    if (element && follow && text) element.scrollTop = element.scrollHeight;
  }, [text, follow]);
  const scrolled = () => {
    const element = box.current;
    if (element) setFollow(element.scrollHeight - element.scrollTop - element.clientHeight < NEAR);
  };
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling box must be reachable by keyboard */}
      <div className="st-stream" ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-live="off" aria-label={t("runPanel.output")}>
        {text}
        {live ? <span className="st-caret" aria-hidden /> : null}
      </div>
      <span className="st-sr" aria-live="polite">
        {live ? lastSentence(text) : text.slice(-300)}
      </span>
      {follow ? null : (
        <Button size="sm" look="quiet" onClick={() => setFollow(true)}>
          {t("runPanel.jump")}
        </Button>
      )}
    </>
  );
}
