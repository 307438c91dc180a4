/** Why somebody of the workspace rated an answer as they did. */
import { MessageSquareText } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Textarea } from "../../ui/Input";
import { Popover } from "../../ui/Menu";

interface Props {
  readonly text: string;
  readonly busy: boolean;
  readonly onSave: (text: string) => void;
}

export function Reason({ text, busy, onSave }: Props) {
  const { t } = useTranslation("logs");
  const [open, setOpen] = useState(false);
  const [draft, setDraft] = useState(text);
  return (
    <Popover
      label={t("reason.open")}
      align="end"
      open={open}
      onOpenChange={(next) => {
        setDraft(text);
        setOpen(next);
      }}
      className="w-[300px] max-w-[calc(100vw-32px)]"
      trigger={
        <button type="button" className="btn" data-kind="quiet" data-size="sm" data-icon={text ? undefined : ""} title={text || t("reason.open")}>
          <MessageSquareText size={14} strokeWidth={1.75} aria-hidden />
          <span className={text ? "truncate max-w-[140px]" : "visually-hidden"}>{text || t("reason.open")}</span>
        </button>
      }
    >
      <form
        className="flex flex-col gap-3 p-2"
        onSubmit={(event) => {
          event.preventDefault();
          setOpen(false);
          onSave(draft.trim());
        }}
      >
        <Field label={t("reason.label")}>
          <Textarea rows={3} maxLength={2000} value={draft} onChange={(event) => setDraft(event.target.value)} />
        </Field>
        <Button kind="primary" type="submit" busy={busy}>
          {t("reason.save")}
        </Button>
      </form>
    </Popover>
  );
}
