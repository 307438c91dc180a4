/** The form a provider asks for, made from its schema; with a live test. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, CircleAlert, ExternalLink } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  addCredential,
  addModel,
  changeCredential,
  credentialOf,
  type FormField,
  type Provider,
  shownFields,
  testCredential,
  testModel,
  type Values,
} from "../../data/models";
import { inLanguage } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, SecretInput } from "../../ui/Input";
import { Select } from "../../ui/Select";
import { Switch } from "../../ui/Switch";
import { forgetTest } from "./providerTests";

const HIDDEN = "[__HIDDEN__]";

interface Props {
  readonly provider: Provider;
  /** The key to change; none for a new one. */
  readonly credential?: { readonly credential_id: string; readonly credential_name: string } | undefined;
  /** A model by name instead of a key for the provider. */
  readonly model?: boolean;
  readonly onClose: () => void;
}

export function CredentialDialog(props: Props) {
  const { provider, credential } = props;
  const stored = useQuery({ ...credentialOf(provider.provider, credential?.credential_id ?? ""), enabled: credential !== undefined });
  if (credential && stored.isPending) return null;
  return <CredentialForm {...props} stored={stored.data?.credentials ?? {}} />;
}

function startValues(fields: readonly FormField[], stored: Values): Values {
  return Object.fromEntries(fields.map((field) => [field.variable, field.type === "secret-input" ? "" : (stored[field.variable] ?? field.default ?? "")]));
}

function CredentialForm({ provider, credential, model: forModel, stored, onClose }: Props & { stored: Values }) {
  const { t, i18n } = useTranslation("models");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const form = useId();
  const label = inLanguage(provider.label, i18n.language) || provider.provider;
  const schema = forModel ? provider.model_credential_schema : provider.provider_credential_schema;
  const fields = schema?.credential_form_schemas ?? [];
  const [values, setValues] = useState<Values>(() => startValues(fields, stored));
  const [name, setName] = useState(credential?.credential_name ?? "");
  const [model, setModel] = useState("");
  const [type, setType] = useState(provider.supported_model_types[0] ?? "llm");
  const [checked, setChecked] = useState(false);
  const shown = shownFields(fields, values).filter((field) => !field.variable.startsWith("__"));
  const lacks = (field: FormField) => field.required && !values[field.variable] && !(credential && field.type === "secret-input");
  const missing = shown.some(lacks) || (forModel === true && model.trim() === "");
  const wire = (): Values =>
    Object.fromEntries(
      shown
        .map(
          (field) =>
            [field.variable, field.type === "secret-input" && values[field.variable] === "" && credential ? HIDDEN : (values[field.variable] ?? "")] as const,
        )
        .filter(([, value]) => value !== ""),
    );
  const test = useMutation({
    mutationFn: async () => {
      const start = performance.now();
      const answer = forModel
        ? await testModel(provider.provider, model.trim(), type, wire())
        : await testCredential(provider.provider, credential?.credential_id, wire());
      if (answer.result !== "success") throw new Error(answer.error || t("form.testFailed"));
      return { ms: answer.latency_ms ?? Math.round(performance.now() - start), first: answer.first_token_ms ?? undefined };
    },
  });
  const save = useMutation({
    mutationFn: () => {
      if (forModel) return addModel(provider.provider, model.trim(), type, wire(), name.trim());
      return credential
        ? changeCredential(provider.provider, credential.credential_id, wire(), name.trim())
        : addCredential(provider.provider, wire(), name.trim());
    },
    onSuccess: async () => {
      // What was tried is not what is stored now.
      forgetTest(provider.provider);
      await client.invalidateQueries({ queryKey: ["models"] });
      onClose();
    },
  });
  const run = (action: () => void) => {
    setChecked(true);
    if (!missing) action();
  };
  const help = inLanguage(provider.help?.url, i18n.language);
  return (
    <Dialog
      open
      title={
        forModel
          ? t("modelForm.title", { name: label })
          : credential
            ? t("form.change", { name: credential.credential_name })
            : t("form.title", { name: label })
      }
      about={t("form.secretHint")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          {help ? (
            <a className="link flex items-center gap-1 me-auto" href={help} target="_blank" rel="noreferrer">
              {inLanguage(provider.help?.title, i18n.language) || t("form.help")}
              <ExternalLink size={12} strokeWidth={2} aria-hidden />
            </a>
          ) : null}
          <Button busy={test.isPending} onClick={() => run(() => test.mutate())}>
            {t("form.test")}
          </Button>
          <Button kind="primary" type="submit" form={form} busy={save.isPending}>
            {t("form.save")}
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
          run(() => save.mutate());
        }}
      >
        {forModel ? (
          <div className="grid gap-3" style={{ gridTemplateColumns: "1fr 160px" }}>
            <Field label={t("modelForm.model")} hint={t("modelForm.hint")} error={checked && model.trim() === "" ? t("form.required") : undefined}>
              <Input autoFocus className="mono" value={model} onChange={(event) => setModel(event.target.value)} />
            </Field>
            <Field label={t("modelForm.type")}>
              <Select
                value={type}
                onChange={setType}
                options={provider.supported_model_types.map((key) => ({ value: key, label: t(`typeName.${key}`, { defaultValue: key }) }))}
              />
            </Field>
          </div>
        ) : null}
        {shown.map((field) => (
          <SchemaField
            key={field.variable}
            field={field}
            value={values[field.variable] ?? ""}
            stored={credential ? stored[field.variable] : undefined}
            error={checked && lacks(field) ? t("form.required") : undefined}
            onChange={(value) => setValues((now) => ({ ...now, [field.variable]: value }))}
          />
        ))}
        <Field label={t("form.name")} optional={c("common.optional")}>
          <Input value={name} maxLength={30} placeholder="API KEY 1" onChange={(event) => setName(event.target.value)} />
        </Field>
        <div role="status" className="min-h-5">
          {test.isPending ? <span className="hint">{t("form.testing")}</span> : null}
          {test.isSuccess ? (
            <span className="text-success inline-flex items-center gap-1.5">
              <Check size={14} strokeWidth={1.9} aria-hidden />
              {test.data.first === undefined ? t("form.testOk", { ms: test.data.ms }) : t("form.testOkFirst", { ms: test.data.ms, first: test.data.first })}
            </span>
          ) : null}
          {test.error || save.error ? (
            <span className="wrong">
              <CircleAlert size={14} aria-hidden />
              <span style={{ overflowWrap: "anywhere" }}>{messageOf(save.error ?? test.error)}</span>
            </span>
          ) : null}
        </div>
      </form>
    </Dialog>
  );
}

function SchemaField({
  field,
  value,
  stored,
  error,
  onChange,
}: {
  field: FormField;
  value: string;
  stored: string | undefined;
  error: string | undefined;
  onChange: (value: string) => void;
}) {
  const { t, i18n } = useTranslation("models");
  const { t: c } = useTranslation();
  const label = inLanguage(field.label, i18n.language) || field.variable;
  const placeholder = inLanguage(field.placeholder, i18n.language);
  if (field.type === "switch") {
    return (
      <div className="flex items-center gap-2.5">
        <Switch id={field.variable} checked={value === "true"} onChange={(on) => onChange(String(on))} />
        <label htmlFor={field.variable}>{label}</label>
      </div>
    );
  }
  const common = { label, error, ...(field.required ? {} : { optional: c("common.optional") }) };
  if (field.type === "select" || field.type === "radio") {
    return (
      <Field {...common}>
        <Select
          value={value}
          onChange={onChange}
          placeholder={placeholder}
          options={(field.options ?? []).map((option) => ({ value: option.value, label: inLanguage(option.label, i18n.language) || option.value }))}
        />
      </Field>
    );
  }
  if (field.type === "secret-input") {
    return (
      <Field {...common} hint={stored ? t("form.keep") : undefined}>
        <SecretInput
          className="mono"
          autoComplete="off"
          spellCheck={false}
          value={value}
          placeholder={stored || placeholder}
          showLabel={t("form.show")}
          hideLabel={t("form.hide")}
          onChange={(event) => onChange(event.target.value)}
        />
      </Field>
    );
  }
  return (
    <Field {...common}>
      <Input className="mono" spellCheck={false} value={value} placeholder={placeholder} onChange={(event) => onChange(event.target.value)} />
    </Field>
  );
}
