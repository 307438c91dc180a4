/** Another name for a document. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { renameDocument, useKnowledgeChange } from "./api";
import type { KnowledgeDocument } from "./types";

export function RenameDialog({ datasetId, doc, onClose }: { datasetId: string; doc: Pick<KnowledgeDocument, "id" | "name">; onClose: () => void }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const [name, setName] = useState(doc.name);
  const rename = useKnowledgeChange((next: string) => renameDocument(datasetId, doc.id, next));
  const save = () => {
    if (name.trim() !== "") rename.mutate(name.trim(), { onSuccess: onClose });
  };
  return (
    <Dialog
      open
      size="sm"
      title={t("documents.do.rename")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" busy={rename.isPending} disabled={name.trim() === ""} onClick={save}>
            {c("common.save")}
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <Field label={t("documents.col.name")} error={rename.error ? messageOf(rename.error) : name.trim() === "" ? t("settings.needName") : undefined}>
          <Input value={name} maxLength={255} onChange={(event) => setName(event.target.value)} />
        </Field>
      </form>
    </Dialog>
  );
}
