/** What somebody has to know of the store of vectors: that it is away, or not yet filled. Nothing while all is well. */
import { useQuery } from "@tanstack/react-query";
import { DatabaseZap, RefreshCw } from "lucide-react";
import { useTranslation } from "react-i18next";
import { indexState, vectorStore } from "./api";

/** On the list: only that the store is away. */
export function StoreNotice() {
  const { t } = useTranslation("knowledge");
  const state = useQuery(vectorStore).data;
  if (!state?.is_away) return null;
  return (
    <div className="banner" data-tone="warn" role="status">
      <DatabaseZap size={16} aria-hidden />
      {t("store.away", { store: state.store })}
    </div>
  );
}

/** On the pages of one knowledge base: also how far the store is with it. */
export function IndexNotice({ datasetId }: { datasetId: string }) {
  const { t } = useTranslation("knowledge");
  const state = useQuery(indexState(datasetId)).data;
  if (!state) return null;
  const { store, is_away, is_moving, done, total } = state;
  const missing = total - done;
  if (!is_away && !is_moving && missing <= 0) return null;
  // Never all of it while something is missing.
  const percent = total > 0 ? Math.min(99, Math.floor((done / total) * 100)) : 0;
  const text = is_moving
    ? t(is_away ? "store.moveWaits" : "store.moving", { store, percent })
    : is_away
      ? t("store.awayHere", { store })
      : t("store.behind", { store, count: missing });
  return (
    <div className="banner flex-wrap" data-tone={is_away ? "warn" : undefined} role="status">
      {is_away ? <DatabaseZap size={16} aria-hidden /> : <RefreshCw size={16} aria-hidden />}
      <span className="flex-1 min-w-[200px]">{text}</span>
      {is_moving ? (
        <span
          className="kb-meter w-[160px]"
          role="progressbar"
          aria-label={t("store.progress", { store })}
          aria-valuenow={percent}
          aria-valuemin={0}
          aria-valuemax={100}
        >
          <span style={{ width: `${percent}%` }} />
        </span>
      ) : null}
    </div>
  );
}
