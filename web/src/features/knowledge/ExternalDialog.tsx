/** Connects knowledge of somebody else: the service, then which of its knowledge. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, SecretInput, Textarea } from "../../ui/Input";
import { Select } from "../../ui/Select";
import { SkeletonRows } from "../../ui/States";
import { connectExternal, createExternalApi, externalApis, useKnowledgeChange } from "./api";

const NEW = "new";
const EMPTY = { name: "", about: "", knowledge: "", service: "", endpoint: "", key: "" };

export function ExternalDialog({ onClose, onMade }: { onClose: () => void; onMade: (datasetId: string) => void }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const list = useQuery(externalApis);
  const apis = list.data?.data ?? [];
  const [chosen, setChosen] = useState<string>();
  const [form, setForm] = useState(EMPTY);
  const set = (fields: Partial<typeof EMPTY>) => setForm({ ...form, ...fields });
  const api = chosen ?? apis[0]?.id ?? NEW;
  const save = useKnowledgeChange(async () => {
    // A service that was made stays, so that what failed after it can be tried again.
    const made = api === NEW ? (await createExternalApi(form.service.trim(), form.endpoint.trim(), form.key.trim())).id : api;
    setChosen(made);
    return connectExternal({
      external_knowledge_api_id: made,
      external_knowledge_id: form.knowledge.trim(),
      name: form.name.trim(),
      description: form.about.trim(),
    });
  });
  const needed = [form.name, form.knowledge, ...(api === NEW ? [form.service, form.endpoint, form.key] : [])];
  const ready = needed.every((text) => text.trim() !== "");
  const submit = () => (ready ? save.mutate(undefined, { onSuccess: (dataset) => onMade(dataset.id) }) : undefined);
  return (
    <Dialog
      open
      title={t("external.connect")}
      about={t("external.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" busy={save.isPending} disabled={!ready} onClick={submit}>
            {t("external.submit")}
          </Button>
        </>
      }
    >
      {list.isPending ? (
        <SkeletonRows rows={4} height={44} slow={c("common.slow")} label={c("common.loading")} />
      ) : (
        <form
          className="flex flex-col gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <Field label={t("external.name")}>
            <Input value={form.name} maxLength={100} onChange={(event) => set({ name: event.target.value })} />
          </Field>
          <Field label={t("external.description")}>
            <Textarea rows={2} maxLength={400} value={form.about} onChange={(event) => set({ about: event.target.value })} />
          </Field>
          <Field label={t("external.service")} hint={list.error ? messageOf(list.error) : undefined}>
            <Select
              value={api}
              onChange={setChosen}
              options={[
                ...apis.map((each) => ({ value: each.id, label: each.name, hint: each.settings.endpoint })),
                { value: NEW, label: t("external.newService") },
              ]}
            />
          </Field>
          {api === NEW ? (
            <div className="card p-3 flex flex-col gap-4">
              <Field label={t("external.serviceName")}>
                <Input value={form.service} maxLength={40} onChange={(event) => set({ service: event.target.value })} />
              </Field>
              <Field label={t("external.endpoint")} hint={t("external.endpointHint")}>
                <Input className="mono" inputMode="url" spellCheck={false} value={form.endpoint} onChange={(event) => set({ endpoint: event.target.value })} />
              </Field>
              <Field label={t("external.key")}>
                <SecretInput
                  showLabel={t("external.show")}
                  hideLabel={t("external.hide")}
                  autoComplete="off"
                  value={form.key}
                  onChange={(event) => set({ key: event.target.value })}
                />
              </Field>
            </div>
          ) : null}
          <Field label={t("external.knowledge")} hint={t("external.knowledgeHint")} error={save.error ? messageOf(save.error) : undefined}>
            <Input className="mono" spellCheck={false} maxLength={512} value={form.knowledge} onChange={(event) => set({ knowledge: event.target.value })} />
          </Field>
          <button type="submit" className="visually-hidden" tabIndex={-1} aria-hidden>
            {t("external.submit")}
          </button>
        </form>
      )}
    </Dialog>
  );
}
