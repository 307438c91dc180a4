/** Which API extension is asked; administrators add and change them here. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useRights } from "../../data/session";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Select } from "../../ui/Select";
import { ExtensionForm } from "./ExtensionForm";
import { deleteExtension, type Extension, extensionList } from "./extensions";

interface Props {
  readonly value: string;
  readonly wrong: string | undefined;
  readonly onChange: (id: string) => void;
}

export function ExtensionField({ value, wrong, onChange }: Props) {
  const { t } = useTranslation("basic");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const rights = useRights();
  const list = useQuery(extensionList);
  const [editing, setEditing] = useState<{ readonly extension: Extension | undefined }>();
  const [deleting, setDeleting] = useState(false);
  const chosen = list.data?.find((extension) => extension.id === value);
  const read = () => client.invalidateQueries({ queryKey: extensionList.queryKey });
  const drop = useMutation({
    mutationFn: () => deleteExtension(value),
    onSuccess: async () => {
      setDeleting(false);
      onChange("");
      await read();
    },
    onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
  });
  return (
    <div className="flex flex-col gap-2">
      <div className="flex items-end gap-2">
        <div className="flex-1 min-w-0">
          <Field label={t("extension.label")} error={wrong ?? (list.error ? messageOf(list.error) : undefined)} hint={chosen?.api_endpoint}>
            <Select
              value={chosen ? value : ""}
              onChange={onChange}
              placeholder={list.data?.length === 0 ? t("extension.none") : t("extension.choose")}
              options={(list.data ?? []).map((extension) => ({ value: extension.id, label: extension.name }))}
            />
          </Field>
        </div>
        {rights.admin && chosen ? (
          <>
            <IconButton icon={Pencil} label={t("extension.edit")} onClick={() => setEditing({ extension: chosen })} />
            <IconButton icon={Trash2} label={t("extension.delete")} onClick={() => setDeleting(true)} />
          </>
        ) : null}
        {rights.admin ? (
          <Button icon={Plus} onClick={() => setEditing({ extension: undefined })}>
            {t("extension.add")}
          </Button>
        ) : null}
      </div>
      {rights.admin || (list.data?.length ?? 1) > 0 ? null : <p className="hint">{t("extension.noRight")}</p>}
      {editing ? (
        <ExtensionForm
          key={editing.extension?.id ?? "new"}
          extension={editing.extension}
          onClose={() => setEditing(undefined)}
          onSaved={async (saved) => {
            await read();
            onChange(saved.id);
            setEditing(undefined);
          }}
        />
      ) : null}
      <Confirm
        open={deleting}
        title={t("extension.deleteTitle", { name: chosen?.name ?? "" })}
        text={t("extension.deleteText")}
        confirm={t("extension.delete")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setDeleting(false)}
        onConfirm={() => drop.mutate()}
      />
    </div>
  );
}
