/** What of a prompt had no room in its model's window, and the files that the model does not take. */
import { Scissors } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { filesLeftOut, type WindowFit, windowFit } from "../../lib/windowFit";

/** `told`: the process data of a node, or the metadata of a message or of a round. */
export function WindowNote({ told }: { told: unknown }) {
  const { t } = useTranslation("studio");
  const fit = windowFit(told);
  const files = filesLeftOut(told);
  if (!fit && files.length === 0) return null;
  return (
    <div role="note" aria-label={t("window.label")} className="flex items-start gap-2 text-12 text-ink-2">
      <Scissors size={14} strokeWidth={1.9} className="shrink-0 mt-0.5" aria-hidden />
      <div className="flex flex-col gap-0.5 min-w-0">
        {fit ? <Cut fit={fit} /> : null}
        {files.length > 0 ? <span className="wrap-anywhere">{t("window.files", { names: files.join(", ") })}</span> : null}
      </div>
    </div>
  );
}

function Cut({ fit }: { fit: WindowFit }) {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const done = [
    fit.dropped > 0 ? t("window.dropped", { count: fit.dropped }) : "",
    fit.shortened > 0 ? t("window.shortened", { count: fit.shortened }) : "",
    fit.chunks > 0 ? t("window.chunks", { count: fit.chunks }) : "",
    fit.kept > fit.room ? t("window.over") : "",
  ].filter(Boolean);
  const numbers = { counted: format.number(fit.counted), kept: format.number(fit.kept), room: format.number(fit.room), reserved: format.number(fit.reserved) };
  return (
    <>
      <span className="font-medium text-ink-1">{done.join(" · ")}</span>
      <span className="num">
        {fit.size === undefined ? t("window.unknown", numbers) : t("window.numbers", { ...numbers, size: format.number(fit.size) })}
      </span>
    </>
  );
}
