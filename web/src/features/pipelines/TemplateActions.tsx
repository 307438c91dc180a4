/** Templates of the workspace: another name, other notes, or gone. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { changeTemplate, deleteTemplate, type Template } from "../../data/pipelines";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Confirm, Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";

interface Props {
  readonly template: Template;
  readonly onClose: () => void;
}

const MAX_NAME = 40;

function useTemplatesAgain() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: ["pipelines"] });
}

export function RenameTemplate({ template, onClose }: Props) {
  const { t } = useTranslation("pipelines");
  const { t: c } = useTranslation();
  const again = useTemplatesAgain();
  const [name, setName] = useState(template.name);
  const [description, setDescription] = useState(template.description);
  const [icon, setIcon] = useState(template.icon?.icon_type === "emoji" ? (template.icon.icon ?? "") : "");
  const change = useMutation({
    mutationFn: () =>
      changeTemplate(template.id, {
        name: name.trim(),
        description: description.trim(),
        icon_info: icon.trim()
          ? { icon_type: "emoji", icon: icon.trim(), icon_background: template.icon?.icon_background ?? "#FFF4ED" }
          : (template.icon ?? {}),
      }),
    onSuccess: async () => {
      await again();
      onClose();
    },
  });
  const save = () => (name.trim() === "" ? undefined : change.mutate());
  return (
    <Dialog
      open
      size="sm"
      title={t("template.edit")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" busy={change.isPending} disabled={name.trim() === ""} onClick={save}>
            {c("common.save")}
          </Button>
        </>
      }
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <Field label={t("template.name")} error={change.error ? messageOf(change.error) : name.trim() === "" ? t("fields.required") : undefined}>
          <Input value={name} maxLength={MAX_NAME} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t("template.icon")} hint={t("template.iconHint")}>
          <Input value={icon} onChange={(event) => setIcon([...event.target.value].slice(0, 4).join(""))} />
        </Field>
        <Field label={t("template.notes")} optional={c("common.optional")}>
          <Textarea rows={3} maxLength={400} value={description} onChange={(event) => setDescription(event.target.value)} />
        </Field>
      </form>
    </Dialog>
  );
}

export function DeleteTemplate({ template, onClose }: Props) {
  const { t } = useTranslation("pipelines");
  const { t: c } = useTranslation();
  const again = useTemplatesAgain();
  const drop = useMutation({
    mutationFn: () => deleteTemplate(template.id),
    onSuccess: () => again(),
    onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
    onSettled: onClose,
  });
  return (
    <Confirm
      open
      title={t("template.deleteTitle", { name: template.name })}
      text={t("template.deleteText")}
      confirm={c("common.delete")}
      cancel={c("common.keep")}
      busy={drop.isPending}
      onClose={onClose}
      onConfirm={() => drop.mutate()}
    />
  );
}
