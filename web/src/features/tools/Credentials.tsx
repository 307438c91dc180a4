/** The keys of a built-in provider: several, one of them used where nobody chooses. */
import { useQuery } from "@tanstack/react-query";
import { CircleAlert, ExternalLink, KeyRound, Plus } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useRights } from "../../data/session";
import {
  addToolCredential,
  type CredentialField,
  changeToolCredential,
  credentialInfo,
  credentialSchema,
  deleteToolCredential,
  isPersonal,
  makeDefaultCredential,
  type ToolCredential,
  type ToolProvider,
  useToolChange,
} from "../../data/tools";
import { inLanguage } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Confirm, Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, SecretInput } from "../../ui/Input";
import { Badge } from "../../ui/Marks";
import { Segmented } from "../../ui/Segmented";
import { Select } from "../../ui/Select";
import { Switch } from "../../ui/Switch";
import { isSecret, missingValues, startValues, titleOf, wireValues } from "./model";

export function Credentials({ provider }: { provider: ToolProvider }) {
  const { t } = useTranslation("tools");
  const rights = useRights();
  const info = useQuery(credentialInfo(provider.name));
  const [adding, setAdding] = useState(false);
  if (info.error) return <p className="wrong">{messageOf(info.error)}</p>;
  if (!info.data?.supported_credential_types.includes("api-key")) return null;
  const keys = info.data.credentials;
  return (
    <section aria-label={t("keys.title")}>
      <div className="flex items-center justify-between mb-1.5">
        <h3 className="lbl">{t("keys.title")}</h3>
        {rights.edit ? (
          <Button size="sm" kind="quiet" icon={Plus} onClick={() => setAdding(true)}>
            {t("keys.add")}
          </Button>
        ) : null}
      </div>
      {keys.length === 0 ? (
        <p className="hint">{t(rights.admin ? "keys.none" : rights.edit ? "keys.noneOfWorkspace" : "keys.noRight")}</p>
      ) : (
        <ul className="card">
          {keys.map((key) => (
            <KeyRow key={key.id} provider={provider} credential={key} alone={keys.filter((each) => !isPersonal(each)).length === 1} />
          ))}
        </ul>
      )}
      {adding ? <KeyDialog provider={provider} onClose={() => setAdding(false)} /> : null}
    </section>
  );
}

function KeyRow({ provider, credential, alone }: { provider: ToolProvider; credential: ToolCredential; alone: boolean }) {
  const { t } = useTranslation("tools");
  const { t: c } = useTranslation();
  const rights = useRights();
  const [doing, setDoing] = useState<"change" | "delete">();
  const failed = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const standard = useToolChange(() => makeDefaultCredential(provider.name, credential.id));
  const drop = useToolChange(() => deleteToolCredential(provider.name, credential.id));
  return (
    <li className="flex items-center gap-2 px-3 min-h-9.5 border-b border-line-1 last:border-b-0 flex-wrap">
      <KeyRound size={14} strokeWidth={1.9} className="text-ink-3" aria-hidden />
      <span className="font-medium truncate">{credential.name}</span>
      {credential.is_default ? <Badge tone="ok">{t("keys.default")}</Badge> : null}
      {isPersonal(credential) ? <Badge>{t("keys.personal")}</Badge> : null}
      <span className="flex-1" />
      {rights.admin || isPersonal(credential) ? (
        <>
          {credential.is_default || alone || isPersonal(credential) ? null : (
            <Button size="sm" kind="quiet" busy={standard.isPending} onClick={() => standard.mutate(undefined, { onError: failed })}>
              {t("keys.makeDefault")}
            </Button>
          )}
          <Button size="sm" kind="quiet" aria-label={t("keys.editNamed", { name: credential.name })} onClick={() => setDoing("change")}>
            {c("common.edit")}
          </Button>
          <Button size="sm" kind="quiet" aria-label={t("keys.deleteNamed", { name: credential.name })} onClick={() => setDoing("delete")}>
            {c("common.delete")}
          </Button>
        </>
      ) : null}
      {doing === "change" ? <KeyDialog provider={provider} credential={credential} onClose={() => setDoing(undefined)} /> : null}
      <Confirm
        open={doing === "delete"}
        title={t("delete.title", { name: credential.name })}
        text={t("delete.key")}
        confirm={c("common.delete")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setDoing(undefined)}
        onConfirm={() => drop.mutate(undefined, { onSuccess: () => setDoing(undefined), onError: failed })}
      />
    </li>
  );
}

interface KeyProps {
  readonly provider: ToolProvider;
  readonly credential?: ToolCredential;
  readonly onClose: () => void;
}

export function KeyDialog(props: KeyProps) {
  const { t } = useTranslation("tools");
  const { t: c } = useTranslation();
  const schema = useQuery(credentialSchema(props.provider.name));
  if (schema.data) return <KeyForm {...props} fields={schema.data} />;
  return (
    <Dialog open title={t("keys.title")} closeLabel={c("common.close")} onClose={props.onClose}>
      {schema.error ? <p className="wrong">{messageOf(schema.error)}</p> : <p className="hint">{c("common.loading")}</p>}
    </Dialog>
  );
}

const VISIBILITIES = ["workspace", "personal"] as const;
type Visibility = (typeof VISIBILITIES)[number];

function KeyForm({ provider, credential, fields, onClose }: KeyProps & { fields: readonly CredentialField[] }) {
  const { t, i18n } = useTranslation("tools");
  const { t: c } = useTranslation();
  const rights = useRights();
  const form = useId();
  const stored = credential?.credentials ?? {};
  const [values, setValues] = useState(() => startValues(fields, stored));
  const [name, setName] = useState(credential?.name ?? "");
  const [chosen, setChosen] = useState<Visibility>();
  // Whoever is no administrator adds keys of their own.
  const visibility = rights.admin ? (chosen ?? "workspace") : "personal";
  const [checked, setChecked] = useState(false);
  const missing = missingValues(fields, values, stored);
  const save = useToolChange(() => {
    const wire = wireValues(fields, values, stored);
    return credential
      ? changeToolCredential(provider.name, credential.id, wire, name.trim())
      : addToolCredential(provider.name, wire, name.trim(), visibility === "personal");
  });
  const help = fields.find((field) => field.url);
  return (
    <Dialog
      open
      title={credential ? t("keys.change", { name: credential.name }) : t("keys.new", { name: titleOf(provider, i18n.language) })}
      about={t("keys.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          {help?.url ? (
            <a className="link flex items-center gap-1 me-auto" href={help.url} target="_blank" rel="noreferrer">
              {inLanguage(help.help, i18n.language) || t("keys.get")}
              <ExternalLink size={12} strokeWidth={2} aria-hidden />
            </a>
          ) : null}
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form} busy={save.isPending}>
            {c("common.save")}
          </Button>
        </>
      }
    >
      <form
        id={form}
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          setChecked(true);
          if (missing.length === 0) save.mutate(undefined, { onSuccess: onClose });
        }}
      >
        {fields.map((field) => (
          <SchemaField
            key={field.name}
            field={field}
            value={values[field.name] ?? ""}
            stored={stored[field.name]}
            error={checked && missing.includes(field.name) ? t("form.required") : undefined}
            onChange={(value) => setValues((now) => ({ ...now, [field.name]: value }))}
          />
        ))}
        <Field label={t("keys.name")} optional={c("common.optional")}>
          <Input value={name} maxLength={30} placeholder="API KEY 1" onChange={(event) => setName(event.target.value)} />
        </Field>
        {credential ? null : (
          <div className="flex flex-col items-start gap-[5px]">
            {rights.admin ? (
              <Segmented
                label={t("keys.who")}
                value={visibility}
                onChange={setChosen}
                segments={VISIBILITIES.map((value) => ({ value, label: t(`keys.for.${value}`) }))}
              />
            ) : null}
            <p className="hint">{t(`keys.forHint.${visibility}`)}</p>
          </div>
        )}
        {save.error ? (
          <p className="wrong" role="alert">
            <CircleAlert size={14} aria-hidden />
            <span className="wrap-anywhere">{messageOf(save.error)}</span>
          </p>
        ) : null}
      </form>
    </Dialog>
  );
}

interface FieldProps {
  readonly field: CredentialField;
  readonly value: string;
  readonly stored: unknown;
  readonly error: string | undefined;
  readonly onChange: (value: string) => void;
}

function SchemaField({ field, value, stored, error, onChange }: FieldProps) {
  const { t, i18n } = useTranslation("tools");
  const { t: c } = useTranslation();
  const id = useId();
  const label = inLanguage(field.label, i18n.language) || field.name;
  const placeholder = inLanguage(field.placeholder, i18n.language);
  const common = { label, error, ...(field.required ? {} : { optional: c("common.optional") }) };
  const hint = field.url ? undefined : inLanguage(field.help, i18n.language) || undefined;
  if (field.type === "boolean" || field.type === "checkbox") {
    return (
      <div className="flex items-center gap-2.5">
        <Switch id={id} checked={value === "true"} onChange={(on) => onChange(String(on))} />
        <label htmlFor={id}>{label}</label>
      </div>
    );
  }
  if ((field.options ?? []).length > 0) {
    return (
      <Field {...common} hint={hint}>
        <Select
          value={value}
          placeholder={placeholder}
          onChange={onChange}
          options={(field.options ?? []).map((option) => ({ value: option.value, label: inLanguage(option.label, i18n.language) || option.value }))}
        />
      </Field>
    );
  }
  if (isSecret(field)) {
    return (
      <Field {...common} hint={stored === undefined ? hint : t("form.keep")}>
        <SecretInput
          className="mono"
          autoComplete="off"
          spellCheck={false}
          value={value}
          placeholder={typeof stored === "string" ? stored : placeholder}
          showLabel={t("form.show")}
          hideLabel={t("form.hide")}
          onChange={(event) => onChange(event.target.value)}
        />
      </Field>
    );
  }
  return (
    <Field {...common} hint={hint}>
      <Input
        className="mono"
        spellCheck={false}
        {...(field.type === "number" ? { inputMode: "decimal" as const } : {})}
        value={value}
        placeholder={placeholder}
        onChange={(event) => onChange(event.target.value)}
      />
    </Field>
  );
}
