import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { type AppDetail, changeSite, isGraph, type Site, useAppChange } from "../../data/apps";
import { parseColour } from "../../lib/colour";
import { messageOf } from "../../lib/http";
import { LANGUAGES } from "../../lib/i18n";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { Select } from "../../ui/Select";
import { Switch } from "../../ui/Switch";
import { SiteIconField } from "./SiteIconField";

export function SiteSettings({ app, site }: { app: AppDetail; site: Site }) {
  const { t } = useTranslation("publish");
  const { t: c } = useTranslation();
  const [draft, setDraft] = useState({
    title: site.title,
    icon_type: site.icon_type ?? "emoji",
    icon: site.icon ?? "",
    icon_background: site.icon_background ?? "",
    use_icon_as_answer_icon: site.use_icon_as_answer_icon,
    description: site.description ?? "",
    default_language: site.default_language,
    show_workflow_steps: site.show_workflow_steps,
    copyright: site.copyright ?? "",
    privacy_policy: site.privacy_policy ?? "",
    custom_disclaimer: site.custom_disclaimer,
    chat_color_theme: site.chat_color_theme ?? "",
    chat_color_theme_inverted: site.chat_color_theme_inverted,
  });
  const [iconUrl, setIconUrl] = useState(site.icon_url ?? null);
  const save = useAppChange(() => changeSite(app.id, draft));
  const set = (part: Partial<typeof draft>) => setDraft((now) => ({ ...now, ...part }));
  const wrongPolicy = draft.privacy_policy !== "" && !/^https?:\/\/./.test(draft.privacy_policy);
  const colour = draft.chat_color_theme.trim();
  const wrongColour = colour !== "" && parseColour(colour) === null;
  const optional = c("common.optional");
  return (
    <form
      className="card p-4 flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (wrongPolicy || wrongColour) return;
        save.mutate(undefined, { onSuccess: () => toast(t("settings.saved")) });
      }}
    >
      <h2 className="font-semibold">{t("settings.title")}</h2>
      <div className="flex gap-3 items-start">
        <div className="flex-1 min-w-0">
          <Field label={t("settings.name")}>
            <Input value={draft.title} maxLength={100} onChange={(event) => set({ title: event.target.value })} />
          </Field>
        </div>
        <SiteIconField
          mode={app.mode}
          value={{ icon_type: draft.icon_type, icon: draft.icon, icon_background: draft.icon_background, icon_url: iconUrl }}
          onChange={({ icon_url, ...icon }) => {
            setIconUrl(icon_url);
            set(icon);
          }}
        />
      </div>
      <Field label={t("settings.description")} optional={optional}>
        <Textarea rows={2} maxLength={4000} value={draft.description} onChange={(event) => set({ description: event.target.value })} />
      </Field>
      <Field label={t("settings.language")}>
        <Select
          value={draft.default_language}
          onChange={(default_language) => set({ default_language })}
          options={LANGUAGES.map((l) => ({ value: l.wire, label: l.name }))}
        />
      </Field>
      {isGraph(app.mode) ? (
        <div className="flex items-center gap-3">
          <div className="flex-1">
            <div className="lbl">{t("settings.steps")}</div>
            <div className="hint">{t("settings.stepsHint")}</div>
          </div>
          <Switch checked={draft.show_workflow_steps} label={t("settings.steps")} onChange={(show_workflow_steps) => set({ show_workflow_steps })} />
        </div>
      ) : null}
      {app.mode === "workflow" || app.mode === "completion" ? null : (
        <div className="flex items-center gap-3">
          <div className="flex-1">
            <div className="lbl">{t("settings.answerIcon")}</div>
          </div>
          <Switch
            checked={draft.use_icon_as_answer_icon}
            label={t("settings.answerIcon")}
            onChange={(use_icon_as_answer_icon) => set({ use_icon_as_answer_icon })}
          />
        </div>
      )}
      <Field label={t("settings.colour")} optional={optional} hint={t("settings.colourHint")} error={wrongColour ? t("settings.colourWrong") : undefined}>
        <Input
          placeholder="#B5451D"
          maxLength={7}
          value={draft.chat_color_theme}
          onChange={(event) => set({ chat_color_theme: event.target.value })}
          end={
            <input
              type="color"
              className="swatch"
              aria-label={t("settings.colourPick")}
              value={wrongColour || colour.length !== 7 ? "#b5451d" : colour}
              onChange={(event) => set({ chat_color_theme: event.target.value })}
            />
          }
        />
      </Field>
      {colour === "" ? null : (
        <div className="flex items-center gap-3">
          <div className="flex-1">
            <div className="lbl">{t("settings.colourBar")}</div>
          </div>
          <Switch
            checked={draft.chat_color_theme_inverted}
            label={t("settings.colourBar")}
            onChange={(chat_color_theme_inverted) => set({ chat_color_theme_inverted })}
          />
        </div>
      )}
      <Field label={t("settings.copyright")} optional={optional}>
        <Input maxLength={255} value={draft.copyright} onChange={(event) => set({ copyright: event.target.value })} />
      </Field>
      <Field label={t("settings.privacy")} optional={optional} error={wrongPolicy ? t("settings.privacyWrong") : undefined}>
        <Input
          type="url"
          placeholder="https://"
          maxLength={2048}
          value={draft.privacy_policy}
          onChange={(event) => set({ privacy_policy: event.target.value })}
        />
      </Field>
      <Field label={t("settings.disclaimer")} optional={optional} hint={t("settings.disclaimerHint")}>
        <Textarea rows={2} maxLength={512} value={draft.custom_disclaimer} onChange={(event) => set({ custom_disclaimer: event.target.value })} />
      </Field>
      {save.error ? (
        <div className="wrong" role="alert">
          {messageOf(save.error)}
        </div>
      ) : null}
      <div>
        <Button type="submit" kind="primary" busy={save.isPending}>
          {t("settings.save")}
        </Button>
      </div>
    </form>
  );
}
