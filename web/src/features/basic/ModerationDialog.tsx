import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Textarea } from "../../ui/Input";
import { Segmented } from "../../ui/Segmented";
import { Switch } from "../../ui/Switch";
import { ExtensionField } from "./ExtensionField";
import { KINDS, MAX_PRESET, MAX_ROWS, type Moderation, problemOf, type Side } from "./moderation";

interface Props {
  readonly start: Moderation;
  readonly onClose: () => void;
  readonly onSave: (moderation: Moderation) => void;
}

export function ModerationDialog({ start, onClose, onSave }: Props) {
  const { t } = useTranslation("basic");
  const { t: c } = useTranslation();
  const form = useId();
  const [draft, setDraft] = useState(start);
  const [checked, setChecked] = useState(false);
  const change = (part: Partial<Moderation>) => setDraft((now) => ({ ...now, ...part }));
  const problem = problemOf(draft);
  const shown = checked ? problem : undefined;
  const side = (name: "inputs" | "outputs") => (
    <SideFields
      key={name}
      name={name}
      side={draft[name]}
      needsText={draft.kind !== "api"}
      wrong={shown === "preset"}
      onChange={(next) => change({ [name]: next })}
    />
  );
  return (
    <Dialog
      open
      title={t("moderation.title")}
      about={t("moderation.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form}>
            {t("moderation.use")}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          setChecked(true);
          if (!problem) onSave(draft);
        }}
      >
        <Segmented
          label={t("moderation.how")}
          value={draft.kind}
          onChange={(kind) => change({ kind })}
          segments={KINDS.map((value) => ({ value, label: t(`moderation.kind.${value}`) }))}
        />
        <p className="hint">{t(`moderation.kindText.${draft.kind}`)}</p>
        {draft.kind === "keywords" ? (
          <Field
            label={t("moderation.keywords")}
            hint={t("moderation.keywordsHint", { count: MAX_ROWS })}
            error={shown === "keywords" ? t("moderation.needKeywords") : shown === "tooMany" ? t("moderation.tooMany", { count: MAX_ROWS }) : undefined}
          >
            <Textarea rows={6} spellCheck={false} value={draft.keywords} onChange={(event) => change({ keywords: event.target.value })} />
          </Field>
        ) : null}
        {draft.kind === "api" ? (
          <ExtensionField
            value={draft.extension}
            wrong={shown === "extension" ? t("moderation.needExtension") : undefined}
            onChange={(extension) => change({ extension })}
          />
        ) : null}
        {side("inputs")}
        {side("outputs")}
        {shown === "sides" ? (
          <div className="wrong" role="alert">
            {t("moderation.needSide")}
          </div>
        ) : null}
      </form>
    </Dialog>
  );
}

interface SideProps {
  readonly name: "inputs" | "outputs";
  readonly side: Side;
  /** An extension brings its own words. */
  readonly needsText: boolean;
  readonly wrong: boolean;
  readonly onChange: (side: Side) => void;
}

function SideFields({ name, side, needsText, wrong, onChange }: SideProps) {
  const { t } = useTranslation("basic");
  const bad = wrong && side.enabled && (side.preset.trim() === "" || [...side.preset].length > MAX_PRESET);
  return (
    <section className="card p-3 flex flex-col gap-3">
      <div className="flex items-start gap-3">
        <Switch checked={side.enabled} label={t(`moderation.${name}`)} onChange={(enabled) => onChange({ ...side, enabled })} />
        <div>
          <div className="font-medium">{t(`moderation.${name}`)}</div>
          <div className="hint">{t(`moderation.${name}Hint`)}</div>
        </div>
      </div>
      {side.enabled && needsText ? (
        <Field
          label={t("moderation.preset")}
          aside={`${[...side.preset].length} / ${MAX_PRESET}`}
          error={bad ? t("moderation.needPreset", { count: MAX_PRESET }) : undefined}
        >
          <Textarea rows={2} value={side.preset} onChange={(event) => onChange({ ...side, preset: event.target.value })} />
        </Field>
      ) : null}
    </section>
  );
}
