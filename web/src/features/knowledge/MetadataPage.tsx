/** The fields of metadata that the documents of a knowledge base may have. */
import { useQuery } from "@tanstack/react-query";
import { Check, Pencil, Plus, Tags, Trash2, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { errorDetails, messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Confirm, Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Badge } from "../../ui/Marks";
import { Select } from "../../ui/Select";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { Switch } from "../../ui/Switch";
import { addField, builtInFields, deleteField, metadataFields, renameField, setBuiltIn, useKnowledgeChange } from "./api";
import { nameProblem } from "./metadata";
import type { Dataset, MetadataField } from "./types";

const TYPES = ["string", "number", "time"] as const;

export function MetadataPage({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const fields = useQuery(metadataFields(dataset.id));
  const builtIn = useQuery(builtInFields).data?.fields ?? [];
  const [adding, setAdding] = useState(false);
  const [renaming, setRenaming] = useState<{ readonly id: string; readonly name: string }>();
  const [deleting, setDeleting] = useState<MetadataField>();
  const fail = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const rename = useKnowledgeChange(({ id, name }: { id: string; name: string }) => renameField(dataset.id, id, name));
  const drop = useKnowledgeChange((id: string) => deleteField(dataset.id, id));
  const turn = useKnowledgeChange((on: boolean) => setBuiltIn(dataset.id, on));
  const own = (fields.data?.doc_metadata ?? []).filter((field) => field.id !== "built-in");
  const taken = [...own.map((field) => field.name), ...builtIn.map((field) => field.name)];
  const wrong = renaming
    ? nameProblem(
        renaming.name,
        taken.filter((name) => name !== own.find((field) => field.id === renaming.id)?.name),
      )
    : undefined;
  const finish = () => {
    if (!renaming || wrong) return;
    if (own.find((field) => field.id === renaming.id)?.name === renaming.name) return setRenaming(undefined);
    rename.mutate(renaming, { onSuccess: () => setRenaming(undefined), onError: fail });
  };
  return (
    <div className="flex-1 overflow-auto">
      <div className="max-w-[720px] px-8 max-md:px-4 py-6 flex flex-col gap-5">
        <div className="flex items-end gap-3 flex-wrap">
          <div className="flex-1 min-w-[220px]">
            <h1 className="text-20 font-semibold">{t("tabs.metadata")}</h1>
            <p className="text-ink-2">{t("metadata.about")}</p>
          </div>
          <Button kind="primary" icon={Plus} onClick={() => setAdding(true)}>
            {t("metadata.add")}
          </Button>
        </div>
        {fields.isPending ? (
          <SkeletonRows rows={4} height={40} slow={c("common.slow")} label={c("common.loading")} />
        ) : fields.error ? (
          <Failed
            title={t("metadata.failed")}
            text={messageOf(fields.error)}
            retry={{ label: c("common.retry"), onClick: () => void fields.refetch() }}
            details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(fields.error) }}
          />
        ) : (
          <>
            {own.length === 0 ? (
              <Empty icon={Tags} cat="knowledge" title={t("metadata.emptyTitle")} text={t("metadata.emptyText")} />
            ) : (
              <ul className="card" aria-label={t("metadata.fields")}>
                {own.map((field) => (
                  <li key={field.id} className="flex items-center gap-2.5 px-3 min-h-10 border-b border-line-1 last:border-b-0">
                    <Badge>{t(`metadata.types.${field.type}`)}</Badge>
                    {renaming?.id === field.id ? (
                      <form
                        className="flex items-center gap-2 flex-1 py-1"
                        onSubmit={(event) => {
                          event.preventDefault();
                          finish();
                        }}
                      >
                        <div className="flex-1">
                          <Input
                            autoFocus
                            className="mono"
                            aria-label={t("metadata.name")}
                            aria-invalid={wrong ? true : undefined}
                            value={renaming.name}
                            maxLength={255}
                            onChange={(event) => setRenaming({ id: field.id, name: event.target.value })}
                            onKeyDown={(event) => (event.key === "Escape" ? setRenaming(undefined) : undefined)}
                          />
                          {wrong ? (
                            <div className="wrong" role="alert">
                              {t(`metadata.nameWrong.${wrong}`)}
                            </div>
                          ) : null}
                        </div>
                        <IconButton size="sm" type="submit" icon={Check} label={c("common.save")} busy={rename.isPending} />
                        <IconButton size="sm" icon={X} label={c("common.cancel")} onClick={() => setRenaming(undefined)} />
                      </form>
                    ) : (
                      <>
                        <span className="mono truncate flex-1">{field.name}</span>
                        <span className="text-12 text-ink-3 num">{t("metadata.used", { count: field.count ?? 0 })}</span>
                        <IconButton
                          size="sm"
                          icon={Pencil}
                          label={t("metadata.rename", { name: field.name })}
                          onClick={() => setRenaming({ id: field.id, name: field.name })}
                        />
                        <IconButton size="sm" icon={Trash2} label={t("metadata.delete", { name: field.name })} onClick={() => setDeleting(field)} />
                      </>
                    )}
                  </li>
                ))}
              </ul>
            )}
            <section className="card p-3 flex flex-col gap-2">
              <div className="flex items-center gap-2">
                <span className="font-semibold flex-1">{t("metadata.builtIn")}</span>
                <Switch
                  label={t("metadata.builtIn")}
                  checked={fields.data.built_in_field_enabled}
                  disabled={turn.isPending}
                  onChange={(on) => turn.mutate(on, { onError: fail })}
                />
              </div>
              <p className="hint">{t("metadata.builtInText")}</p>
              <div className="flex gap-1 flex-wrap">
                {builtIn.map((field) => (
                  <span key={field.name} className="badge mono">
                    {field.name}
                  </span>
                ))}
              </div>
            </section>
          </>
        )}
      </div>
      {adding ? <AddDialog datasetId={dataset.id} taken={taken} onClose={() => setAdding(false)} /> : null}
      <Confirm
        open={deleting !== undefined}
        title={t("metadata.delete", { name: deleting?.name })}
        text={t("metadata.deleteText", { count: deleting?.count ?? 0 })}
        confirm={c("common.delete")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setDeleting(undefined)}
        onConfirm={() => deleting && drop.mutate(deleting.id, { onError: fail, onSettled: () => setDeleting(undefined) })}
      />
    </div>
  );
}

function AddDialog({ datasetId, taken, onClose }: { datasetId: string; taken: readonly string[]; onClose: () => void }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const [name, setName] = useState("");
  const [type, setType] = useState<string>("string");
  const [asked, setAsked] = useState(false);
  const add = useKnowledgeChange(() => addField(datasetId, name.trim(), type));
  const problem = nameProblem(name.trim(), taken);
  const save = () => {
    setAsked(true);
    if (!problem) add.mutate(undefined, { onSuccess: onClose });
  };
  return (
    <Dialog
      open
      size="sm"
      title={t("metadata.add")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" busy={add.isPending} onClick={save}>
            {c("common.add")}
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
        <Field
          label={t("metadata.name")}
          hint={t("metadata.nameHint")}
          error={asked && problem ? t(`metadata.nameWrong.${problem}`) : add.error ? messageOf(add.error) : undefined}
        >
          <Input className="mono" value={name} maxLength={255} spellCheck={false} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t("metadata.type")}>
          <Select value={type} onChange={setType} options={TYPES.map((each) => ({ value: each, label: t(`metadata.types.${each}`) }))} />
        </Field>
      </form>
    </Dialog>
  );
}
