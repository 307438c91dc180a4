import { useMutation, useQueries, useQueryClient } from "@tanstack/react-query";
import { ChevronDown } from "lucide-react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { defaultModel, type ModelGroup, modelsOfType, setDefaultModel } from "../../data/models";
import { useRights } from "../../data/session";
import { inLanguage } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Menu } from "../../ui/Menu";
import { ProviderTile } from "../../ui/ProviderTile";

const TYPES = ["llm", "text-embedding", "rerank", "speech2text", "tts"];

/** One card per use; a type without any model is not shown. */
export function DefaultModels() {
  const { t } = useTranslation("models");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const rights = useRights();
  const groups = useQueries({ queries: TYPES.map((type) => modelsOfType(type)) });
  const defaults = useQueries({ queries: TYPES.map((type) => defaultModel(type)) });
  const change = useMutation({
    mutationFn: ({ type, provider, model }: { type: string; provider: string; model: string }) => setDefaultModel(type, provider, model),
    onSuccess: () => client.invalidateQueries({ queryKey: ["models", "default"] }),
    onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
  });
  const cards = TYPES.flatMap((type, i) => {
    const offered = groups[i]?.data?.data ?? [];
    return offered.length === 0 ? [] : [{ type, offered, chosen: defaults[i]?.data?.data ?? null, known: defaults[i]?.isSuccess === true }];
  });
  if (cards.length === 0) return null;
  return (
    <section>
      <h2 className="lbl mb-2 max-md:block">
        {t("defaults")} <span className="text-ink-3 font-regular">{t("defaultsHint")}</span>
      </h2>
      <div className="grid gap-2" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(200px, 1fr))" }}>
        {cards.map(({ type, offered, chosen, known }) => (
          <Card
            key={type}
            type={type}
            offered={offered}
            chosen={chosen}
            known={known}
            disabled={!rights.admin}
            onChange={(provider, model) => change.mutate({ type, provider, model })}
          />
        ))}
      </div>
    </section>
  );
}

interface CardProps {
  readonly type: string;
  readonly offered: readonly ModelGroup[];
  readonly chosen: { readonly model: string; readonly provider: { readonly provider: string; readonly label: ModelGroup["label"] } } | null;
  readonly known: boolean;
  readonly disabled: boolean;
  readonly onChange: (provider: string, model: string) => void;
}

function Card({ type, offered, chosen, known, disabled, onChange }: CardProps) {
  const { t, i18n } = useTranslation("models");
  const name = t(`types.${type}`);
  const open = known && !chosen;
  return (
    <Menu
      align="start"
      entries={offered.flatMap((group) => [
        { key: group.provider, head: inLanguage(group.label, i18n.language) || group.provider },
        ...group.models.map((model) => ({
          key: `${group.provider}/${model.model}`,
          label: model.model,
          checked: chosen?.model === model.model && chosen.provider.provider === group.provider,
          disabled: model.status !== "active",
          onSelect: () => onChange(group.provider, model.model),
        })),
      ])}
      trigger={
        <button
          type="button"
          disabled={disabled}
          className={`card min-w-0 text-start px-3 py-2.5 ${open ? "bg-warning-soft" : "hover:bg-surface-2"}`}
          style={open ? { boxShadow: "0 0 0 1px var(--warning-line)", background: "var(--warning-soft)" } : {}}
        >
          <span className="visually-hidden">{t("chooseDefault")} </span>
          <span className={`text-12 block ${open ? "text-warning" : "text-ink-3"}`}>{name}</span>
          <span className="flex items-center gap-2 mt-0.5 min-w-0" title={chosen?.model}>
            {chosen ? <ProviderTile size="xs" name={inLanguage(chosen.provider.label, i18n.language) || chosen.provider.provider} /> : null}
            <span className={`font-medium truncate flex-1 min-w-0 ${open ? "text-warning" : ""}`}>{chosen?.model ?? t("notSet")}</span>
            <ChevronDown size={14} strokeWidth={1.9} className="flex-none" aria-hidden />
          </span>
        </button>
      }
    />
  );
}
