/** Rules by which some calls go to another model. */
import { useQuery } from "@tanstack/react-query";
import { ArrowDown, ArrowUp, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { allApps, tagList } from "../../../data/apps";
import type { TierPolicy } from "../../../data/policies";
import { IconButton } from "../../../ui/Button";
import { Field } from "../../../ui/Field";
import { Input } from "../../../ui/Input";
import { Switch } from "../../../ui/Switch";
import { moved } from "../routes";
import { ListField, ModelField, NumberField, PolicyCard, useModels } from "./fields";
import { freshName, LANGUAGES, newTier, replaced, without } from "./policies";

interface Props {
  readonly tiers: readonly TierPolicy[];
  readonly onChange: (tiers: readonly TierPolicy[]) => void;
}

export function TiersCard({ tiers, onChange }: Props) {
  const { t } = useTranslation("policies");
  const taken = tiers.map((tier) => tier.name);
  const add = () => onChange([...tiers, newTier(freshName(t("tiers.rule"), taken))]);
  return (
    <PolicyCard title={t("tiers.title")} text={t("tiers.text")} add={{ label: t("tiers.add"), onClick: add }}>
      {tiers.length > 0 ? (
        <ol className="flex flex-col gap-4">
          {tiers.map((tier, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: names change while they are typed
            <li key={at} className="border border-line-1 rounded-md p-3 flex flex-col gap-4">
              <div className="flex items-center gap-1.5">
                <span className="num text-ink-3">{at + 1}</span>
                <Switch
                  checked={tier.enabled}
                  label={t("tiers.enable", { name: tier.name })}
                  onChange={(enabled) => onChange(replaced(tiers, at, { ...tier, enabled }))}
                />
                <span className="flex-1" />
                <IconButton
                  size="sm"
                  icon={ArrowUp}
                  label={t("tiers.earlier", { name: tier.name })}
                  disabled={at === 0}
                  onClick={() => onChange(moved(tiers, at, -1))}
                />
                <IconButton
                  size="sm"
                  icon={ArrowDown}
                  label={t("tiers.later", { name: tier.name })}
                  disabled={at === tiers.length - 1}
                  onClick={() => onChange(moved(tiers, at, 1))}
                />
                <IconButton size="sm" icon={Trash2} label={t("remove", { name: tier.name })} onClick={() => onChange(without(tiers, at))} />
              </div>
              <Rule tier={tier} onChange={(next) => onChange(replaced(tiers, at, next))} />
            </li>
          ))}
        </ol>
      ) : null}
    </PolicyCard>
  );
}

function Rule({ tier, onChange }: { tier: TierPolicy; onChange: (tier: TierPolicy) => void }) {
  const { t, i18n } = useTranslation("policies");
  const models = useModels(tier.models);
  const apps = (useQuery(allApps).data?.data ?? []).map((app) => ({ value: app.id, label: app.name }));
  const tags = (useQuery(tagList).data ?? []).map((tag) => ({ value: tag.id, label: tag.name }));
  const names = new Intl.DisplayNames([i18n.language], { type: "language" });
  const languages = LANGUAGES.map((code) => ({ value: code, label: code === "other" ? t("tiers.otherLanguage") : (names.of(code) ?? code) }));
  const change = (part: Partial<TierPolicy>) => onChange({ ...tier, ...part });
  return (
    <>
      <div className="grid gap-4 md:grid-cols-2">
        <Field label={t("tiers.name")}>
          <Input value={tier.name} maxLength={100} onChange={(event) => change({ name: event.target.value })} />
        </Field>
        <ModelField label={t("tiers.to")} value={tier.to} onChange={(to) => change({ to })} />
      </div>
      <div className="grid gap-4 md:grid-cols-2">
        <ListField label={t("tiers.models")} value={tier.models} onChange={(next) => change({ models: next })} options={models} empty={t("tiers.anyModel")} />
        <ListField
          label={t("tiers.languages")}
          value={tier.languages}
          onChange={(next) => change({ languages: next })}
          options={languages}
          empty={t("tiers.anyLanguage")}
        />
        {apps.length > 0 || tier.apps.length > 0 ? (
          <ListField label={t("tiers.apps")} value={tier.apps} onChange={(next) => change({ apps: next })} options={apps} empty={t("tiers.anyApp")} />
        ) : null}
        {tags.length > 0 || tier.tags.length > 0 ? (
          <ListField label={t("tiers.tags")} value={tier.tags} onChange={(next) => change({ tags: next })} options={tags} empty={t("tiers.anyTag")} />
        ) : null}
      </div>
      <div className="grid gap-4 grid-cols-2 md:grid-cols-4">
        <NumberField
          label={t("tiers.minTokens")}
          value={tier.min_tokens}
          min={0}
          max={10_000_000}
          placeholder={t("any")}
          onChange={(min_tokens) => change({ min_tokens })}
        />
        <NumberField
          label={t("tiers.maxTokens")}
          value={tier.max_tokens}
          min={0}
          max={10_000_000}
          placeholder={t("any")}
          onChange={(max_tokens) => change({ max_tokens })}
        />
        <NumberField
          label={t("tiers.minComplexity")}
          value={tier.min_complexity}
          min={0}
          max={100}
          placeholder={t("any")}
          onChange={(min_complexity) => change({ min_complexity })}
        />
        <NumberField
          label={t("tiers.maxComplexity")}
          value={tier.max_complexity}
          min={0}
          max={100}
          placeholder={t("any")}
          onChange={(max_complexity) => change({ max_complexity })}
        />
      </div>
      <p className="hint">{t("tiers.hint")}</p>
    </>
  );
}
