/** Choose a model of one kind among those that are connected. */
import { useQuery } from "@tanstack/react-query";
import { Command } from "cmdk";
import { Check, ChevronDown, CircleAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { modelsOfType, sameProvider } from "../../data/models";
import { inLanguage } from "../../lib/format";
import { Badge } from "../../ui/Marks";
import { Popover } from "../../ui/Menu";
import { ProviderTile } from "../../ui/ProviderTile";

export interface ChosenModel {
  readonly provider: string;
  readonly model: string;
}

interface Props {
  readonly type: "llm" | "text-embedding" | "rerank";
  readonly label: string;
  readonly value: ChosenModel | undefined;
  readonly disabled?: boolean;
  /** Say what a model that sees is good for, where chunks have pictures. */
  readonly about?: boolean;
  readonly onChange: (value: ChosenModel) => void;
}

export function ModelSelect({ type, label, value, disabled, about, onChange }: Props) {
  const { t, i18n } = useTranslation("knowledge");
  const [open, setOpen] = useState(false);
  const groups = useQuery(modelsOfType(type)).data?.data;
  const group = value ? groups?.find((each) => sameProvider(each.provider, value.provider)) : undefined;
  const model = group?.models.find((each) => each.model === value?.model);
  const lost = Boolean(value && groups && !model);
  return (
    <div className="flex flex-col gap-[5px] min-w-0">
      <span className="lbl" aria-hidden>
        {label}
      </span>
      <Popover
        label={label}
        open={open}
        onOpenChange={setOpen}
        className="w-[320px] max-w-[calc(100vw-32px)]"
        trigger={
          <button type="button" className="inp justify-between" disabled={disabled} data-invalid={lost || undefined}>
            <span className="visually-hidden">{label}: </span>
            {lost ? (
              <CircleAlert size={14} strokeWidth={1.9} aria-hidden />
            ) : value ? (
              <ProviderTile size="xs" name={inLanguage(group?.label, i18n.language) || value.provider.split("/").at(-1) || "?"} />
            ) : null}
            <span className={`truncate flex-1 text-start${value ? "" : " text-ink-3"}`}>{value?.model ?? t("model.choose")}</span>
            <ChevronDown size={14} strokeWidth={1.9} aria-hidden />
          </button>
        }
      >
        <Command label={label}>
          <Command.Input autoFocus placeholder={t("model.find")} className="inp mb-1" />
          <Command.List className="max-h-[300px] overflow-auto">
            <Command.Empty className="hint p-3">{t(`model.none.${type}`)}</Command.Empty>
            {groups?.map((each) => (
              <Command.Group key={each.provider} heading={inLanguage(each.label, i18n.language) || each.provider}>
                {each.models.map((one) => (
                  <Command.Item
                    key={one.model}
                    value={`${each.provider} ${one.model}`}
                    disabled={one.status !== "active"}
                    className="menu-row"
                    title={one.refused?.message}
                    onSelect={() => {
                      onChange({ provider: each.provider, model: one.model });
                      setOpen(false);
                    }}
                  >
                    <span className="truncate flex-1">{one.model}</span>
                    {type === "text-embedding" && one.features?.includes("vision") ? <Badge>{t("model.sees")}</Badge> : null}
                    {one.refused ? <Badge>{t("model.refused")}</Badge> : null}
                    {value?.model === one.model && each === group ? <Check size={14} strokeWidth={1.9} aria-hidden /> : null}
                  </Command.Item>
                ))}
              </Command.Group>
            ))}
          </Command.List>
          <a href="/settings/models" className="menu-row border-t border-line-1 mt-1 text-ink-2">
            {t("model.connect")}
          </a>
        </Command>
      </Popover>
      {type === "text-embedding" && about && model?.features?.includes("vision") ? <span className="hint">{t("model.seesAbout")}</span> : null}
      {lost ? (
        <div className="wrong" role="alert">
          {t("model.lost", { name: value?.model })}
        </div>
      ) : null}
    </div>
  );
}
