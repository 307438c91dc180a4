/** A key of a data source: entered, tried at the service, kept. */
import { useMutation } from "@tanstack/react-query";
import { ExternalLink } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { addCredential, changeCredential, type SourceCredential, type SourceProvider } from "../../data/sources";
import { inLanguage } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";

interface Props {
  readonly provider: SourceProvider;
  readonly credential: SourceCredential | undefined;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}

export function SourceKeyDialog({ provider, credential, onClose, onSaved }: Props) {
  const { t, i18n } = useTranslation("settings");
  const { t: c } = useTranslation();
  const [name, setName] = useState(credential?.name ?? "");
  const [values, setValues] = useState<Readonly<Record<string, string>>>(
    credential?.credential ?? Object.fromEntries(provider.credential_schema.map((field) => [field.name, field.default ?? ""])),
  );
  const save = useMutation({
    mutationFn: () => {
      const fields = { ...(name.trim() ? { name: name.trim() } : {}), credentials: values };
      return credential ? changeCredential(provider, credential.id, fields) : addCredential(provider, fields);
    },
    onSuccess: onSaved,
  });
  const label = inLanguage(provider.label, i18n.language);
  const complete = provider.credential_schema.every((field) => !field.required || (values[field.name] ?? "").trim() !== "");
  const submit = () => {
    if (complete && !save.isPending) save.mutate();
  };
  return (
    <Dialog
      open
      title={credential ? t("sources.change", { name: credential.name }) : t("sources.addTo", { name: label })}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <a href={provider.help} target="_blank" rel="noreferrer" className="btn me-auto" data-kind="quiet">
            {t("sources.help")} <ExternalLink size={14} strokeWidth={1.9} aria-hidden />
          </a>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" busy={save.isPending} disabled={!complete} onClick={submit}>
            {c("common.save")}
          </Button>
        </>
      }
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        {provider.credential_schema.map((field) => (
          <Field
            key={field.name}
            label={inLanguage(field.label, i18n.language)}
            optional={field.required ? undefined : c("common.optional")}
            hint={credential && field.type === "secret-input" ? t("sources.kept") : undefined}
          >
            <Input
              type={field.type === "secret-input" && !credential ? "password" : "text"}
              autoComplete="off"
              value={values[field.name] ?? ""}
              onChange={(event) => setValues((now) => ({ ...now, [field.name]: event.target.value }))}
            />
          </Field>
        ))}
        <Field label={t("sources.name")} optional={c("common.optional")}>
          <Input value={name} maxLength={100} onChange={(event) => setName(event.target.value)} />
        </Field>
        {save.error ? (
          <p className="wrong" role="alert">
            {messageOf(save.error)}
          </p>
        ) : null}
        <button type="submit" className="visually-hidden" tabIndex={-1} aria-hidden />
      </form>
    </Dialog>
  );
}
