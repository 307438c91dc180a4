import { useTranslation } from "react-i18next";
import { errorDetails, HttpError, messageOf } from "../../lib/http";
import { Failed } from "../../ui/States";

/** A failure in its place: what, what to do, and the details to pass on. */
export function PageFailed({ error, title, onRetry }: { error: unknown; title?: string; onRetry?: () => void }) {
  const { t } = useTranslation();
  const text = error instanceof HttpError && error.code === "offline" ? t("common.offline") : messageOf(error);
  return (
    <div className="p-6 max-w-[720px] mx-auto w-full">
      <Failed
        title={title ?? t("pageFailed.title")}
        text={text}
        {...(onRetry ? { retry: { label: t("common.retry"), onClick: onRetry } } : {})}
        details={{ label: t("common.details"), copied: t("common.copied"), text: errorDetails(error) }}
      />
    </div>
  );
}
