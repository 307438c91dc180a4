/** The published pipeline as a template of the workspace: its name, sign and notes. */
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { publishTemplate } from "../../data/pipelines";
import { pipelineIdOf } from "../api";
import { Button, TextField, Wrong } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { useStudio } from "../store/studio";

const MAX_NAME = 40;
const MAX_NOTES = 400;

interface Props {
  readonly name: string;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

export function TemplateDialog({ name: given, onClose, onDone }: Props) {
  const { t } = useTranslation("studio");
  const client = useQueryClient();
  const pipelineId = useStudio((s) => pipelineIdOf(s.owner));
  const [name, setName] = useState(given.slice(0, MAX_NAME));
  const [icon, setIcon] = useState("📙");
  const [notes, setNotes] = useState("");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string>();
  const wrong = name.trim() === "" || name.length > MAX_NAME || notes.length > MAX_NOTES;
  const save = async () => {
    setBusy(true);
    setFailed(undefined);
    try {
      await publishTemplate(pipelineId, { name: name.trim(), description: notes.trim(), icon_info: { icon_type: "emoji", icon: icon.trim() || "📙", icon_background: "#FFF4ED" } });
      await client.invalidateQueries({ queryKey: ["pipelines", "templates"] });
      onDone();
    } catch (e) {
      setFailed(e instanceof Error ? e.message : String(e));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t("asTemplate.title")}
      closeLabel={t("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button look="primary" busy={busy} disabled={wrong} onClick={() => void save()}>
            {t("asTemplate.save")}
          </Button>
        </>
      }
    >
      <span className="st-hint">{t("asTemplate.about")}</span>
      <TextField label={t("asTemplate.name")} value={name} error={name.trim() === "" ? t("form.required") : name.length > MAX_NAME ? t("form.tooLong", { count: MAX_NAME }) : undefined} onChange={setName} />
      <TextField label={t("asTemplate.icon")} hint={t("asTemplate.iconHint")} value={icon} onChange={(next) => setIcon([...next].slice(0, 4).join(""))} />
      <TextField label={t("publish.notes")} optional={t("common.optional")} rows={3} value={notes} error={notes.length > MAX_NOTES ? t("form.tooLong", { count: MAX_NOTES }) : undefined} onChange={setNotes} />
      {failed ? <Wrong>{failed}</Wrong> : null}
    </Dialog>
  );
}
