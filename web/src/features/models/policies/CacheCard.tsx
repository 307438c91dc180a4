/** Answers that are given again without asking anybody. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { type CachePolicy, modelPolicies, type PoliciesView, purgeAnswers } from "../../../data/policies";
import { useFormat } from "../../../lib/format";
import { messageOf } from "../../../lib/http";
import { Button } from "../../../ui/Button";
import { Confirm } from "../../../ui/Dialog";
import { Switch } from "../../../ui/Switch";
import { ModelsField, NumberField, PolicyCard } from "./fields";

interface Props {
  readonly cache: CachePolicy;
  readonly kept: PoliciesView["kept"];
  readonly onChange: (cache: CachePolicy) => void;
}

export function CacheCard({ cache, kept, onChange }: Props) {
  const { t } = useTranslation("policies");
  const change = (part: Partial<CachePolicy>) => onChange({ ...cache, ...part });
  return (
    <PolicyCard title={t("cache.title")} text={t("cache.text")}>
      <div className="flex items-center gap-2.5">
        <Switch checked={cache.enabled} label={t("cache.on")} onChange={(enabled) => change({ enabled })} />
        <span className="font-medium">{t("cache.on")}</span>
      </div>
      {cache.enabled ? (
        <>
          {kept.most_bytes === 0 ? <p className="wrong">{t("cache.never")}</p> : null}
          <ModelsField label={t("cache.models")} all={t("cache.allModels")} value={cache.models} onChange={(models) => change({ models })} />
          <div className="grid gap-4 md:grid-cols-3">
            <NumberField
              label={t("cache.age")}
              hint={t("cache.ageHint")}
              value={cache.max_age_seconds / 60}
              min={1}
              max={43_200}
              required
              onChange={(minutes) => change({ max_age_seconds: Math.round((minutes ?? 0) * 60) })}
            />
            <NumberField
              label={t("cache.size")}
              hint={t("cache.sizeHint")}
              value={cache.max_megabytes}
              min={1}
              max={4_096}
              required
              onChange={(size) => change({ max_megabytes: size ?? 0 })}
            />
            <NumberField
              label={t("cache.temperature")}
              hint={t("cache.temperatureHint")}
              value={cache.max_temperature}
              min={0}
              max={2}
              step={0.1}
              placeholder={t("any")}
              onChange={(max_temperature) => change({ max_temperature })}
            />
          </div>
          <div className="flex items-start gap-2.5">
            <Switch checked={cache.semantic} label={t("cache.semantic")} onChange={(semantic) => change({ semantic })} />
            <div>
              <div className="font-medium">{t("cache.semantic")}</div>
              <div className="hint">{t("cache.semanticHint")}</div>
            </div>
          </div>
          {cache.semantic ? (
            <div className="max-w-[260px]">
              <NumberField
                label={t("cache.threshold")}
                hint={t("cache.thresholdHint")}
                value={cache.threshold}
                min={0.5}
                max={1}
                step={0.01}
                required
                onChange={(threshold) => change({ threshold: threshold ?? 0 })}
              />
            </div>
          ) : null}
        </>
      ) : null}
      <Kept kept={kept} />
    </PolicyCard>
  );
}

function Kept({ kept }: { kept: PoliciesView["kept"] }) {
  const { t } = useTranslation("policies");
  const { t: c } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const purge = useMutation({
    mutationFn: purgeAnswers,
    onSuccess: () => {
      toast.success(t("cache.purged"));
      // Not `fetchQuery`: an answer that was under way would tell of the time before.
      return client.invalidateQueries({ queryKey: modelPolicies.queryKey });
    },
    onError: (error) => toast.error(messageOf(error)),
    onSettled: () => setAsking(false),
  });
  return (
    <div className="flex items-center gap-3 flex-wrap">
      <span className="text-ink-3 num">
        {t("cache.kept", { count: kept.answers, shown: format.number(kept.answers), size: format.number(Math.ceil(kept.bytes / 1024)) })}
      </span>
      <Button size="sm" icon={Trash2} onClick={() => setAsking(true)}>
        {t("cache.purge")}
      </Button>
      <Confirm
        open={asking}
        title={t("cache.purgeTitle")}
        text={t("cache.purgeText")}
        confirm={t("cache.purge")}
        cancel={c("common.keep")}
        busy={purge.isPending}
        onClose={() => setAsking(false)}
        onConfirm={() => purge.mutate()}
      />
    </div>
  );
}
