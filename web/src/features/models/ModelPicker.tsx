/** Choose a model and its parameters; every provider that is connected, with search. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Command } from "cmdk";
import { Check, ChevronDown, CircleAlert, RotateCcw, SlidersHorizontal } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { modelsOfType, type ParameterRule, parameterRules, sameProvider } from "../../data/models";
import { inLanguage } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { IconButton } from "../../ui/Button";
import { Input, Textarea } from "../../ui/Input";
import { Badge } from "../../ui/Marks";
import { Popover } from "../../ui/Menu";
import { ProviderTile } from "../../ui/ProviderTile";
import { Select } from "../../ui/Select";
import { Slider } from "../../ui/Slider";
import { Switch } from "../../ui/Switch";

export interface PickedModel {
  readonly provider: string;
  readonly name: string;
  readonly mode: string;
  readonly params: Readonly<Record<string, unknown>>;
}

interface Props {
  readonly value: PickedModel | undefined;
  readonly onChange: (value: PickedModel) => void;
  /** Whose model it will be. */
  readonly app?: string;
}

export function ModelPicker({ value, onChange, app }: Props) {
  const { t, i18n } = useTranslation("models");
  const [open, setOpen] = useState(false);
  const groups = useQuery(modelsOfType("llm", app)).data?.data;
  const group = value ? groups?.find((g) => sameProvider(g.provider, value.provider)) : undefined;
  const model = group?.models.find((m) => m.model === value?.name);
  const refused = model?.refused;
  const lost = Boolean(value && groups && (!model || refused));
  return (
    <div className="flex items-center gap-1 min-w-0">
      <Popover
        label={t("picker.choose")}
        align="end"
        open={open}
        onOpenChange={setOpen}
        className="w-[340px]"
        trigger={
          <button
            type="button"
            className="btn min-w-0"
            style={lost ? { borderColor: "var(--danger)", color: "var(--danger)" } : {}}
            title={refused ? t(`picker.refused.${refused.by}`) : lost ? t("picker.missing", { name: value?.name }) : undefined}
          >
            {lost ? (
              <CircleAlert size={14} strokeWidth={1.9} aria-hidden />
            ) : value ? (
              <ProviderTile size="xs" name={inLanguage(group?.label, i18n.language) || value.provider.split("/").at(-1) || "?"} />
            ) : null}
            <span className="truncate">{value?.name ?? t("picker.choose")}</span>
            {typeof value?.params.temperature === "number" ? (
              <span className="text-ink-3 font-regular num">{t("picker.temperature", { value: value.params.temperature })}</span>
            ) : null}
            <ChevronDown size={14} strokeWidth={1.9} aria-hidden />
          </button>
        }
      >
        <Command label={t("picker.choose")}>
          <Command.Input autoFocus placeholder={t("picker.find")} className="inp mb-1" />
          <Command.List className="max-h-[340px] overflow-auto">
            <Command.Empty className="hint p-3">{t("picker.none")}</Command.Empty>
            {groups?.map((g) => (
              <Command.Group key={g.provider} heading={inLanguage(g.label, i18n.language) || g.provider}>
                {g.models.map((m) => (
                  <Command.Item
                    key={m.model}
                    value={`${g.provider} ${m.model}`}
                    disabled={m.status !== "active"}
                    className="menu-row"
                    title={m.refused?.message}
                    onSelect={() => {
                      onChange({
                        provider: g.provider,
                        name: m.model,
                        mode: m.model_properties.mode ?? "chat",
                        params: value?.name === m.model ? value.params : {},
                      });
                      setOpen(false);
                    }}
                  >
                    <span className="truncate flex-1">{m.model}</span>
                    {m.refused ? <Badge>{t(`picker.refused.${m.refused.by}`)}</Badge> : null}
                    {(m.features ?? []).includes("vision") ? <Badge>{t("features.vision")}</Badge> : null}
                    {(m.features ?? []).some((f) => f.includes("tool-call")) ? <Badge>{t("features.tool-call")}</Badge> : null}
                    {value?.name === m.model && g === group ? <Check size={14} strokeWidth={1.9} aria-hidden /> : null}
                  </Command.Item>
                ))}
              </Command.Group>
            ))}
          </Command.List>
          <Link to="/settings/models" className="menu-row border-t border-line-1 mt-1 text-ink-2">
            {t("picker.settings")}
          </Link>
        </Command>
      </Popover>
      {value && model ? (
        <Popover
          label={t("picker.parameters")}
          align="end"
          className="w-[360px]"
          trigger={
            <button type="button" className="btn" data-icon="" aria-label={t("picker.parameters")}>
              <SlidersHorizontal size={16} strokeWidth={1.75} aria-hidden />
            </button>
          }
        >
          <Parameters value={value} onChange={onChange} />
        </Popover>
      ) : null}
    </div>
  );
}

function Parameters({ value, onChange }: { value: PickedModel; onChange: (value: PickedModel) => void }) {
  const rules = useQuery(parameterRules(value.provider, value.name));
  const set = (name: string, next: unknown) => {
    const params = { ...value.params };
    if (next === undefined) delete params[name];
    else params[name] = next;
    onChange({ ...value, params });
  };
  return (
    <div className="p-2 flex flex-col gap-3">
      {rules.error ? <div className="wrong">{messageOf(rules.error)}</div> : null}
      {rules.data?.data.map((rule) => (
        <Parameter key={rule.name} rule={rule} value={value.params[rule.name]} onChange={(next) => set(rule.name, next)} />
      ))}
    </div>
  );
}

function Parameter({ rule, value, onChange }: { rule: ParameterRule; value: unknown; onChange: (value: unknown) => void }) {
  const { t, i18n } = useTranslation("models");
  const label = inLanguage(rule.label, i18n.language) || rule.name;
  const set = value !== undefined;
  const numeric = rule.type === "float" || rule.type === "int";
  const shown = set ? value : (rule.default ?? "");
  const step = rule.type === "int" ? 1 : 10 ** -(rule.precision ?? 2);
  return (
    <div>
      <div className="flex items-center gap-2 min-h-6">
        <span className="lbl flex-1" title={inLanguage(rule.help, i18n.language)}>
          {label}
          {set ? null : <span className="text-ink-3 font-regular">{t("picker.unset")}</span>}
        </span>
        {set ? <IconButton size="sm" icon={RotateCcw} label={t("picker.reset", { name: label })} onClick={() => onChange(undefined)} /> : null}
        {rule.type === "boolean" ? <Switch checked={shown === true} label={label} onChange={onChange} /> : null}
      </div>
      {numeric ? (
        <div className="flex items-center gap-3">
          {rule.min !== null && rule.max !== null ? (
            <Slider label={label} min={rule.min} max={rule.max} step={step} value={Number(shown || rule.min)} onChange={onChange} />
          ) : null}
          <Input
            type="number"
            aria-label={label}
            className="num"
            style={rule.min !== null && rule.max !== null ? { width: 88 } : {}}
            step={step}
            {...(rule.min === null ? {} : { min: rule.min })}
            {...(rule.max === null ? {} : { max: rule.max })}
            value={String(shown)}
            onChange={(event) => onChange(event.target.value === "" ? undefined : Number(event.target.value))}
          />
        </div>
      ) : null}
      {rule.type === "string" && rule.options && rule.options.length > 0 ? (
        <Select
          aria-label={label}
          value={String(shown)}
          onChange={onChange}
          placeholder={t("picker.unset")}
          options={rule.options.map((option) => ({ value: option, label: option }))}
        />
      ) : null}
      {(rule.type === "string" && !(rule.options && rule.options.length > 0)) || rule.type === "text" ? (
        <Textarea aria-label={label} rows={2} value={String(shown)} onChange={(event) => onChange(event.target.value || undefined)} />
      ) : null}
    </div>
  );
}
