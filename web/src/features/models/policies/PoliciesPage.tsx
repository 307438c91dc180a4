/** What the workspace decides about its calls of models, in one form. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { modelPolicies, type PoliciesView, savePolicies } from "../../../data/policies";
import { errorDetails, messageOf } from "../../../lib/http";
import { Button } from "../../../ui/Button";
import { Failed, SkeletonRows } from "../../../ui/States";
import { AccessCard } from "./AccessCard";
import { CacheCard } from "./CacheCard";
import { wrongOf } from "./policies";
import { HedgeCard, RatesCard } from "./RatesCard";
import { RefusalsCard } from "./RefusalsCard";
import { TiersCard } from "./TiersCard";

export function PoliciesPage() {
  const { t } = useTranslation("policies");
  const { t: c } = useTranslation();
  const query = useQuery(modelPolicies);
  if (query.isPending) return <SkeletonRows rows={5} height={88} slow={c("common.slow")} label={c("common.loading")} />;
  if (query.error) {
    return (
      <Failed
        title={t("failed")}
        text={messageOf(query.error)}
        retry={{ label: c("common.retry"), onClick: () => void query.refetch() }}
        details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(query.error) }}
      />
    );
  }
  return (
    <div className="flex flex-col gap-5">
      <Form view={query.data} />
      <RefusalsCard />
    </div>
  );
}

function Form({ view }: { view: PoliciesView }) {
  const { t } = useTranslation("policies");
  const client = useQueryClient();
  const [draft, setDraft] = useState(view.policies);
  const [tried, setTried] = useState(false);
  const wrong = wrongOf(draft);
  const save = useMutation({
    mutationFn: () => savePolicies(draft),
    onSuccess: (saved) => {
      client.setQueryData(modelPolicies.queryKey, saved);
      setDraft(saved.policies);
      setTried(false);
      toast.success(t("saved"));
    },
  });
  return (
    <form
      className="flex flex-col gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (!wrong) save.mutate();
      }}
    >
      <CacheCard cache={draft.cache} kept={view.kept} onChange={(cache) => setDraft({ ...draft, cache })} />
      <TiersCard tiers={draft.tiers} onChange={(tiers) => setDraft({ ...draft, tiers })} />
      <HedgeCard hedging={draft.hedging} onChange={(hedging) => setDraft({ ...draft, hedging })} />
      <RatesCard rates={draft.rates} onChange={(rates) => setDraft({ ...draft, rates })} />
      <AccessCard access={draft.access} onChange={(access) => setDraft({ ...draft, access })} />
      {tried && wrong ? (
        <div className="wrong" role="alert">
          {t(`wrong.${wrong.what}`, { name: wrong.name })}
        </div>
      ) : null}
      {save.error ? (
        <div className="wrong" role="alert">
          {messageOf(save.error)}
        </div>
      ) : null}
      <div>
        <Button kind="primary" type="submit" busy={save.isPending}>
          {t("save")}
        </Button>
      </div>
    </form>
  );
}
