/** Before committing: what is embedded, and what that costs. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { ModelGroup } from "../../data/models";
import { useFormat } from "../../lib/format";
import { estimate, type IndexingSettings } from "./api";
import { costOf } from "./costs";
import type { ChosenModel } from "./ModelSelect";
import type { Picked } from "./sources";
import { useSettled } from "./useSettled";

interface Props {
  readonly picked: Picked;
  readonly datasetId: string | undefined;
  readonly settings: IndexingSettings;
  readonly embedding: ChosenModel;
  readonly groups: readonly ModelGroup[] | undefined;
}

/** Each is read for the estimate: with more than these it would take too long. */
const MOST = 20;

export function EmbeddingCost({ picked, datasetId, settings, embedding, groups }: Props) {
  const { t } = useTranslation("knowledge");
  const format = useFormat();
  const settled = useSettled(settings, 350);
  const ids = picked.items.map((item) => item.id);
  // A model writes questions: nobody knows before how many tokens they have.
  const known = settled.doc_form !== "qa_model" && ids.length > 0 && ids.length <= MOST;
  const query = useQuery({ ...estimate(picked.info(ids), settled, datasetId), enabled: known, placeholderData: keepPreviousData });
  if (ids.length > MOST) return <span>{t("cost.tooMany", { count: MOST })}</span>;
  const tokens = query.data?.total_tokens;
  if (!known || query.error || (query.data && (tokens === null || tokens === undefined))) return <span>{t("cost.unknownTokens")}</span>;
  if (tokens === null || tokens === undefined) return <span>{t("cost.counting")}</span>;
  const model = groups?.find((group) => group.provider === embedding.provider)?.models.find((each) => each.model === embedding.model);
  const cost = costOf(tokens, embedding.provider, model);
  const characters = query.data?.total_characters;
  return (
    <span className="flex flex-col" aria-busy={query.isFetching}>
      <span>
        <span className="font-semibold text-ink-2">{t("cost.tokens", { count: tokens })}</span>
        {", "}
        {cost.kind === "about" ? t("cost.about", { cost: format.money(cost.amount, cost.currency) }) : t(`cost.${cost.kind}`)}
      </span>
      <span className="text-11">{characters === undefined ? t("cost.estimated") : t("cost.exact", { count: characters })}</span>
    </span>
  );
}
