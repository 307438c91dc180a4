/** Small parts that the dialogs of tools share. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { toolLabels } from "../../data/tools";
import { inLanguage } from "../../lib/format";
import { Button } from "../../ui/Button";
import { Popover } from "../../ui/Menu";

const EMOJI = ["🔧", "🔌", "🌤️", "🔎", "🗺️", "📦", "🚚", "✉️", "📅", "📊", "🧮", "💶", "🏦", "📰", "🎵", "🖼️", "🎬", "🧬", "🏥", "📚", "🗃️", "🧾", "🤖", "⚙️"];

export function IconPick({ value, onChange }: { value: string; onChange: (emoji: string) => void }) {
  const { t } = useTranslation("tools");
  return (
    <Popover
      label={t("form.icon")}
      trigger={
        <button type="button" className="tile" data-size="lg" data-cat="connect" aria-label={t("form.iconNow", { icon: value })}>
          {value}
        </button>
      }
    >
      <div className="grid grid-cols-6 gap-1 p-1">
        {EMOJI.map((emoji) => (
          <button
            key={emoji}
            type="button"
            className="tile hover:bg-surface-4"
            data-size="lg"
            aria-pressed={emoji === value}
            aria-label={emoji}
            onClick={() => onChange(emoji)}
          >
            {emoji}
          </button>
        ))}
      </div>
    </Popover>
  );
}

export function LabelPick({ value, onChange }: { value: readonly string[]; onChange: (labels: readonly string[]) => void }) {
  const { t, i18n } = useTranslation("tools");
  const { t: c } = useTranslation();
  const known = useQuery(toolLabels).data ?? [];
  if (known.length === 0) return null;
  return (
    <fieldset className="flex flex-col gap-[5px] min-w-0">
      <legend className="lbl mb-[5px]">
        {t("form.labels")}
        <span className="text-ink-3 font-regular">{c("common.optional")}</span>
      </legend>
      <div className="flex gap-1.5 flex-wrap">
        {known.map((label) => {
          const on = value.includes(label.name);
          return (
            <Button
              key={label.name}
              size="sm"
              aria-pressed={on}
              onClick={() => onChange(on ? value.filter((each) => each !== label.name) : [...value, label.name])}
            >
              {inLanguage(label.label, i18n.language) || label.name}
            </Button>
          );
        })}
      </div>
    </fieldset>
  );
}
