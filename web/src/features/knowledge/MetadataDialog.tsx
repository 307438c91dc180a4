/** The metadata of one document, or of several at once. */
import { useQuery } from "@tanstack/react-query";
import { Eraser } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Badge } from "../../ui/Marks";
import { SkeletonRows } from "../../ui/States";
import { metadataFields, useKnowledgeChange, writeMetadata } from "./api";
import { fromText, type Problem, toText } from "./metadata";
import type { KnowledgeDocument, MetadataField } from "./types";

interface Props {
  readonly datasetId: string;
  readonly docs: readonly KnowledgeDocument[];
  readonly onClose: () => void;
}

/** The value all of the documents have, or nothing where they differ. */
function common(docs: readonly KnowledgeDocument[], field: MetadataField): { readonly text: string; readonly several: boolean } {
  const texts = docs.map((doc) => toText(doc.doc_metadata?.find((value) => value.id === field.id || value.name === field.name)?.value, field.type));
  const [first = ""] = texts;
  return texts.every((text) => text === first) ? { text: first, several: false } : { text: "", several: true };
}

export function MetadataDialog({ datasetId, docs, onClose }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const fields = useQuery(metadataFields(datasetId));
  const [edited, setEdited] = useState<Readonly<Record<string, string>>>({});
  const [asked, setAsked] = useState(false);
  const save = useKnowledgeChange((operations: Parameters<typeof writeMetadata>[1]) => writeMetadata(datasetId, operations));
  const own = (fields.data?.doc_metadata ?? []).filter((field) => field.id !== "built-in");
  const problem = (field: MetadataField): Problem | undefined => {
    const text = edited[field.id];
    return text === undefined ? undefined : fromText(text, field.type).problem;
  };
  const submit = () => {
    setAsked(true);
    if (own.some(problem)) return;
    const changed = own.flatMap((field) => {
      const text = edited[field.id];
      return text === undefined ? [] : [{ id: field.id, name: field.name, value: fromText(text, field.type).value }];
    });
    if (changed.length === 0) return onClose();
    save.mutate(
      docs.map((doc) => ({ document_id: doc.id, metadata_list: changed, partial_update: true })),
      { onSuccess: onClose },
    );
  };
  return (
    <Dialog
      open
      title={docs.length === 1 ? t("metadata.of", { name: docs[0]?.name }) : t("metadata.ofMany", { count: docs.length })}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          {save.error ? <span className="wrong flex-1">{messageOf(save.error)}</span> : <span className="flex-1" />}
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" busy={save.isPending} disabled={own.length === 0} onClick={submit}>
            {c("common.save")}
          </Button>
        </>
      }
    >
      {fields.isPending ? (
        <SkeletonRows rows={3} height={48} slow={c("common.slow")} label={c("common.loading")} />
      ) : fields.error ? (
        <div className="wrong" role="alert">
          {messageOf(fields.error)}
        </div>
      ) : own.length === 0 ? (
        <p className="text-ink-2">
          {t("metadata.noFields")}{" "}
          <a href={`/datasets/${datasetId}/metadata`} className="link">
            {t("metadata.define")}
          </a>
        </p>
      ) : (
        <div className="flex flex-col gap-4">
          {own.map((field) => {
            const start = common(docs, field);
            const text = edited[field.id] ?? start.text;
            const wrong = asked ? problem(field) : undefined;
            return (
              <Field
                key={field.id}
                label={field.name}
                aside={<Badge>{t(`metadata.types.${field.type}`)}</Badge>}
                error={wrong ? t(`metadata.wrong.${wrong}`) : undefined}
              >
                <Input
                  type={field.type === "time" ? "datetime-local" : "text"}
                  inputMode={field.type === "number" ? "decimal" : undefined}
                  value={text}
                  placeholder={start.several ? t("metadata.several") : t("metadata.none")}
                  onChange={(event) => setEdited((now) => ({ ...now, [field.id]: event.target.value }))}
                  end={
                    text !== "" || start.several ? (
                      <IconButton
                        size="sm"
                        icon={Eraser}
                        label={t("metadata.clear", { name: field.name })}
                        onClick={() => setEdited((now) => ({ ...now, [field.id]: "" }))}
                      />
                    ) : (
                      /* Always something: the field would be made anew, and lose the focus. */ <span />
                    )
                  }
                />
              </Field>
            );
          })}
        </div>
      )}
    </Dialog>
  );
}
