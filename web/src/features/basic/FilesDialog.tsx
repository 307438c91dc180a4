import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Segmented } from "../../ui/Segmented";
import { Checkbox } from "../../ui/Switch";
import { extensionsOf, FILE_TYPES, type Files, filesProblem, METHODS, MOST_FILES } from "./files";

interface Props {
  readonly start: Files;
  readonly onClose: () => void;
  readonly onSave: (files: Files) => void;
}

export function FilesDialog({ start, onClose, onSave }: Props) {
  const { t } = useTranslation("basic");
  const { t: c } = useTranslation();
  const form = useId();
  const [draft, setDraft] = useState(start);
  const [typed, setTyped] = useState(start.extensions.join(" "));
  const [checked, setChecked] = useState(false);
  const change = (part: Partial<Files>) => setDraft((now) => ({ ...now, ...part }));
  const problem = filesProblem(draft);
  const shown = checked ? problem : undefined;
  const flip = <T extends string>(all: readonly T[], chosen: readonly T[], one: T) => all.filter((each) => (each === one) !== chosen.includes(each));
  return (
    <Dialog
      open
      title={t("files.title")}
      about={t("files.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form}>
            {t("files.use")}
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
        <fieldset className="flex flex-col gap-2">
          <legend className="lbl mb-1">{t("files.types")}</legend>
          {FILE_TYPES.map((type) => (
            <div key={type} className="flex items-center gap-2 min-h-6">
              <Checkbox id={`${form}-${type}`} checked={draft.types.includes(type)} onChange={() => change({ types: flip(FILE_TYPES, draft.types, type) })} />
              <label htmlFor={`${form}-${type}`}>{t(`files.type.${type}`)}</label>
              <span className="text-12 text-ink-3">{t(`files.typeText.${type}`)}</span>
            </div>
          ))}
          {shown === "types" ? (
            <div className="wrong" role="alert">
              {t("files.need.types")}
            </div>
          ) : null}
        </fieldset>
        {draft.types.includes("custom") ? (
          <Field label={t("files.extensions")} hint={t("files.extensionsHint")} error={shown === "extensions" ? t("files.need.extensions") : undefined}>
            <Input
              className="mono"
              placeholder=".pdf .csv"
              value={typed}
              onChange={(event) => {
                setTyped(event.target.value);
                change({ extensions: extensionsOf(event.target.value) });
              }}
            />
          </Field>
        ) : null}
        <fieldset className="flex flex-col gap-2">
          <legend className="lbl mb-1">{t("files.methods")}</legend>
          {METHODS.map((method) => (
            <div key={method} className="flex items-center gap-2 min-h-6">
              <Checkbox
                id={`${form}-${method}`}
                checked={draft.methods.includes(method)}
                onChange={() => change({ methods: flip(METHODS, draft.methods, method) })}
              />
              <label htmlFor={`${form}-${method}`}>{t(`files.method.${method}`)}</label>
            </div>
          ))}
          {shown === "methods" ? (
            <div className="wrong" role="alert">
              {t("files.need.methods")}
            </div>
          ) : null}
        </fieldset>
        <Field label={t("files.most")} hint={t("files.mostHint", { count: MOST_FILES })}>
          <Input
            type="number"
            min={1}
            max={MOST_FILES}
            value={draft.most}
            onChange={(event) => change({ most: Math.min(MOST_FILES, Math.max(1, Math.round(Number(event.target.value)) || 1)) })}
          />
        </Field>
        {draft.types.includes("image") ? (
          <div className="flex flex-col gap-[5px] items-start">
            <span className="lbl">{t("files.detail")}</span>
            <Segmented
              label={t("files.detail")}
              value={draft.detail}
              onChange={(detail) => change({ detail })}
              segments={(["high", "low"] as const).map((value) => ({ value, label: t(`files.details.${value}`) }))}
            />
          </div>
        ) : null}
      </form>
    </Dialog>
  );
}
