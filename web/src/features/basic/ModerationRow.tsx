/** Content moderation: on or off, and how. */
import { ShieldCheck } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Badge, Tile } from "../../ui/Marks";
import { Switch } from "../../ui/Switch";
import { ModerationDialog } from "./ModerationDialog";
import { problemOf, readModeration, writeModeration } from "./moderation";

interface Props {
  readonly value: unknown;
  readonly onChange: (value: Record<string, unknown>) => void;
}

export function ModerationRow({ value, onChange }: Props) {
  const { t } = useTranslation("basic");
  const [editing, setEditing] = useState(false);
  const moderation = readModeration(value);
  const toggle = (enabled: boolean) => {
    // What cannot work yet is set up first.
    if (enabled && problemOf(moderation)) setEditing(true);
    else onChange(writeModeration({ ...moderation, enabled }, value));
  };
  return (
    <div className="px-2.5 py-[7px]">
      <div className="flex items-center gap-2.5 max-md:flex-wrap min-h-6">
        <Tile>
          <ShieldCheck size={14} strokeWidth={1.9} aria-hidden />
        </Tile>
        <span className="font-semibold">{t("moderation.title")}</span>
        <span className="text-12 text-ink-3 truncate flex-1">{t("moderation.text")}</span>
        {moderation.enabled ? <Badge>{t(`moderation.kind.${moderation.kind}`)}</Badge> : null}
        <Button size="sm" onClick={() => setEditing(true)}>
          {t("moderation.settings")}
        </Button>
        <Switch checked={moderation.enabled} label={t("moderation.title")} onChange={toggle} />
      </div>
      {editing ? (
        <ModerationDialog
          start={moderation}
          onClose={() => setEditing(false)}
          onSave={(next) => {
            onChange(writeModeration({ ...next, enabled: true }, value));
            setEditing(false);
          }}
        />
      ) : null}
    </div>
  );
}
