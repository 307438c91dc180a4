/** How the text is cut, cleaned and counted. */
import { CircleHelp, ListTree, type LucideIcon, TextAlignStart } from "lucide-react";
import { RadioGroup } from "radix-ui";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Segmented } from "../../ui/Segmented";
import { Select } from "../../ui/Select";
import { Checkbox } from "../../ui/Switch";
import { Length } from "./RetrievalForm";
import { LANGUAGES, MAX_SIZE, MIN_SIZE, nameOf, type Splitting, type SplittingProblems, withSizes } from "./rules";
import type { ChunkForm } from "./types";

const FORMS: readonly { readonly form: ChunkForm; readonly icon: LucideIcon }[] = [
  { form: "text_model", icon: TextAlignStart },
  { form: "hierarchical_model", icon: ListTree },
  { form: "qa_model", icon: CircleHelp },
];

interface Props {
  readonly value: Splitting;
  readonly problems: SplittingProblems;
  /** The longest a chunk may be. */
  readonly most: number | undefined;
  /** The kind of chunk belongs to the knowledge base and stays. */
  readonly fixed: boolean;
  readonly onChange: (value: Splitting) => void;
}

export function SplitForm({ value, problems, most = MAX_SIZE, fixed, onChange }: Props) {
  const { t } = useTranslation("knowledge");
  const set = (part: Partial<Splitting>) => onChange({ ...value, ...part });
  const unit = t(`units.short.${value.unit}`);
  const parents = value.form === "hierarchical_model";
  const whole = parents && value.parent === "full-doc";
  const wrong = (code: string | undefined) => (code ? t(`split.wrong.${code}`, { min: MIN_SIZE, max: most }) : undefined);
  return (
    <div className="kb-form flex flex-col gap-4">
      <div className="flex flex-col gap-[5px]">
        <span className="lbl">{t("split.form")}</span>
        <RadioGroup.Root
          className="kb-cards"
          value={value.form}
          aria-label={t("split.form")}
          disabled={fixed}
          onValueChange={(next) => {
            const found = FORMS.find(({ form }) => form === next);
            if (found) onChange(withSizes(value, { form: found.form }));
          }}
        >
          {FORMS.filter(({ form }) => !fixed || form === value.form).map(({ form, icon: Icon }) => (
            <RadioGroup.Item key={form} value={form} className="radiocard kb-card">
              <span className="flex items-center gap-1.5 font-semibold">
                <Icon size={14} strokeWidth={1.9} aria-hidden />
                {t(`forms.${form}`)}
              </span>
              <span className="text-12 text-ink-2">{t(`formAbout.${form}`)}</span>
            </RadioGroup.Item>
          ))}
        </RadioGroup.Root>
        <span className="hint">{t(fixed ? "split.fixed" : "split.once")}</span>
      </div>
      {parents ? (
        <div className="flex flex-col gap-[5px]">
          <span className="lbl">{t("split.parent")}</span>
          <Segmented
            label={t("split.parent")}
            value={value.parent}
            onChange={(parent) => set({ parent })}
            segments={[
              { value: "paragraph", label: t("split.parents.paragraph") },
              { value: "full-doc", label: t("split.parents.full-doc") },
            ]}
          />
          <span className="hint">{t(whole ? "split.wholeHint" : "split.paragraphHint")}</span>
        </div>
      ) : null}
      {value.form === "qa_model" ? (
        <Field label={t("split.language")} hint={t("split.languageHint")}>
          <Select
            value={value.language}
            onChange={(language) => set({ language })}
            options={LANGUAGES.map((each) => ({ value: each, label: t(`languages.${each}`) }))}
          />
        </Field>
      ) : null}
      <div className="flex items-center gap-3">
        <span className="lbl">{t("split.unit")}</span>
        <Segmented
          label={t("split.unit")}
          value={value.unit}
          onChange={(next) => onChange(withSizes(value, { unit: next }))}
          segments={[
            { value: "tokens", label: t("units.tokens") },
            { value: "characters", label: t("units.characters") },
          ]}
        />
      </div>
      {whole ? null : (
        <div className="kb-pair">
          <Separator
            label={t(parents ? "split.parentEnds" : "split.separator")}
            hint={t("split.several")}
            value={value.separator}
            error={wrong(problems.separator)}
            onChange={(separator) => set({ separator })}
          />
          <Length
            label={t(parents ? "split.parentSize" : "split.size")}
            unit={unit}
            min={MIN_SIZE}
            max={most}
            step={1}
            value={value.size}
            error={wrong(problems.size)}
            onChange={(size) => set({ size })}
          />
        </div>
      )}
      {parents ? (
        <div className="kb-pair">
          <Separator
            label={t("split.childEnds")}
            value={value.childSeparator}
            error={wrong(problems.childSeparator)}
            onChange={(childSeparator) => set({ childSeparator })}
          />
          <Length
            label={t("split.childSize")}
            unit={unit}
            min={MIN_SIZE}
            max={most}
            step={1}
            value={value.childSize}
            error={wrong(problems.childSize)}
            onChange={(childSize) => set({ childSize })}
          />
        </div>
      ) : null}
      {whole ? null : (
        <Length
          label={t("split.overlap")}
          unit={unit}
          min={0}
          max={Math.max(1, Math.min(most, Number.isFinite(value.size) ? value.size : most))}
          step={1}
          value={value.overlap}
          error={wrong(problems.overlap)}
          onChange={(overlap) => set({ overlap })}
        />
      )}
      {whole ? null : (
        <fieldset className="flex flex-col gap-2">
          <legend className="lbl mb-1.5">{t("split.clean")}</legend>
          <Choice label={t("split.spaces")} checked={value.spaces} onChange={(spaces) => set({ spaces })} />
          <Choice label={t("split.urls")} checked={value.urls} onChange={(urls) => set({ urls })} />
        </fieldset>
      )}
    </div>
  );
}

function Separator({
  label,
  value,
  error,
  hint,
  onChange,
}: {
  label: string;
  hint?: string;
  value: string;
  error: string | undefined;
  onChange: (value: string) => void;
}) {
  const { t } = useTranslation("knowledge");
  const name = nameOf(value);
  return (
    <Field label={label} error={error} hint={hint}>
      <Input
        className="mono"
        value={value}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => onChange(event.target.value)}
        end={<span className="text-12 text-ink-3 flex-none kb-plain">{name ? t(`split.named.${name}`) : ""}</span>}
      />
    </Field>
  );
}

export function Choice({ label, checked, onChange }: { label: string; checked: boolean; onChange: (checked: boolean) => void }) {
  const id = useId();
  return (
    <div className="flex items-center gap-2">
      <Checkbox id={id} checked={checked} onChange={onChange} />
      <label htmlFor={id}>{label}</label>
    </div>
  );
}
