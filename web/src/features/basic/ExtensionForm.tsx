/** What an API extension is made of; it is asked for a sign of life before it is saved. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { HttpError, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input, SecretInput } from "../../ui/Input";
import { type Extension, KEEP, saveExtension } from "./extensions";

interface FormProps {
  readonly extension: Extension | undefined;
  readonly onClose: () => void;
  readonly onSaved: (extension: Extension) => Promise<void>;
}

/** Part of another form: its button must not send that one. */
export function ExtensionForm({ extension, onClose, onSaved }: FormProps) {
  const { t } = useTranslation("basic");
  const { t: c } = useTranslation();
  const [name, setName] = useState(extension?.name ?? "");
  const [endpoint, setEndpoint] = useState(extension?.api_endpoint ?? "");
  const [key, setKey] = useState("");
  const save = useMutation({
    mutationFn: () => saveExtension(extension?.id, { name, api_endpoint: endpoint, api_key: extension && key === "" ? KEEP : key }),
    onSuccess: onSaved,
  });
  const field = save.error instanceof HttpError ? save.error.field : undefined;
  const errorAt = (at: string) => (save.error && field === at ? messageOf(save.error) : undefined);
  return (
    <section className="card p-3 flex flex-col gap-3" aria-label={t(extension ? "extension.edit" : "extension.add")}>
      <Field label={t("extension.name")} error={errorAt("name")}>
        <Input autoFocus value={name} maxLength={255} onChange={(event) => setName(event.target.value)} />
      </Field>
      <Field label={t("extension.endpoint")} hint={t("extension.endpointHint")} error={errorAt("api_endpoint")}>
        <Input className="mono" type="url" placeholder="https://" value={endpoint} onChange={(event) => setEndpoint(event.target.value)} />
      </Field>
      <Field label={t("extension.key")} hint={extension ? t("extension.keep", { key: extension.api_key }) : t("extension.keyHint")} error={errorAt("api_key")}>
        <SecretInput
          showLabel={c("common.show")}
          hideLabel={c("common.hide")}
          autoComplete="off"
          value={key}
          onChange={(event) => setKey(event.target.value)}
        />
      </Field>
      {save.error && !["name", "api_endpoint", "api_key"].includes(field ?? "") ? (
        <div className="wrong" role="alert">
          {messageOf(save.error)}
        </div>
      ) : null}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{c("common.cancel")}</Button>
        <Button kind="primary" busy={save.isPending} onClick={() => save.mutate()}>
          {t("extension.save")}
        </Button>
      </div>
    </section>
  );
}
