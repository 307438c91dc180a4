/** How an API wants to be asked: by nobody in particular, with a key in a header or in the address, or by who signed in. */
import { useTranslation } from "react-i18next";
import type { ApiAuth, ApiFlow } from "../../data/tools";
import { Field } from "../../ui/Field";
import { Input, SecretInput } from "../../ui/Input";
import { Segmented } from "../../ui/Segmented";
import { Select } from "../../ui/Select";
import { authKind } from "./model";

const KINDS = ["none", "api_key_header", "api_key_query", "oauth2"] as const;

interface Props {
  readonly value: ApiAuth;
  /** With the key masked. */
  readonly stored: ApiAuth | undefined;
  /** What the schema says about signing in. */
  readonly flow: ApiFlow | undefined;
  readonly onChange: (auth: ApiAuth) => void;
}

export function AuthForm({ value, stored, flow, onChange }: Props) {
  const { t } = useTranslation("tools");
  const kind = authKind(value);
  const keeps = stored?.api_key_value && authKind(stored) === kind ? stored.api_key_value : undefined;
  const put = (part: Partial<ApiAuth>) => onChange({ ...value, ...part });
  const key = (
    <Field label={t("auth.value")} hint={keeps ? t("form.keep") : undefined}>
      <SecretInput
        className="mono"
        autoComplete="off"
        spellCheck={false}
        value={value.api_key_value ?? ""}
        placeholder={keeps}
        showLabel={t("form.show")}
        hideLabel={t("form.hide")}
        onChange={(event) => put({ api_key_value: event.target.value })}
      />
    </Field>
  );
  return (
    <section aria-label={t("auth.title")} className="flex flex-col gap-2">
      <span className="lbl">{t("auth.title")}</span>
      <div className="flex max-w-full">
        <Segmented
          label={t("auth.title")}
          value={kind}
          onChange={(auth_type) => put({ auth_type })}
          segments={KINDS.map((each) => ({ value: each, label: t(`auth.${each}`) }))}
        />
      </div>
      {kind === "api_key_header" ? (
        <div className="grid gap-3" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(180px, 100%), 1fr))" }}>
          <Field label={t("auth.header")}>
            <Input className="mono" value={value.api_key_header ?? "Authorization"} onChange={(event) => put({ api_key_header: event.target.value })} />
          </Field>
          <Field label={t("auth.prefix")}>
            <Select
              value={value.api_key_header_prefix || "bearer"}
              onChange={(api_key_header_prefix) => put({ api_key_header_prefix })}
              options={["bearer", "basic", "custom"].map((each) => ({ value: each, label: t(`auth.prefixes.${each}`) }))}
            />
          </Field>
          {key}
        </div>
      ) : kind === "api_key_query" ? (
        <div className="grid gap-3" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(180px, 100%), 1fr))" }}>
          <Field label={t("auth.param")}>
            <Input className="mono" value={value.api_key_query_param ?? "key"} onChange={(event) => put({ api_key_query_param: event.target.value })} />
          </Field>
          {key}
        </div>
      ) : kind === "oauth2" ? (
        <OAuthFields value={value} stored={stored} flow={flow} onChange={onChange} />
      ) : null}
    </section>
  );
}

function OAuthFields({ value, stored, flow, onChange }: Props) {
  const { t } = useTranslation("tools");
  const { t: c } = useTranslation();
  const put = (part: Partial<ApiAuth>) => onChange({ ...value, ...part });
  const keeps = stored?.auth_type === "oauth2" ? stored.client_secret : undefined;
  const fields = [
    { name: "authorization_url", start: flow?.authorization_url },
    { name: "token_url", start: flow?.token_url },
    { name: "client_id", start: undefined },
    { name: "scope", start: flow?.scope },
  ] as const;
  return (
    <div className="grid gap-3" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(min(240px, 100%), 1fr))" }}>
      {fields.map(({ name, start }) => (
        <Field
          key={name}
          label={t(`oauth.${name}`)}
          {...(name === "scope" ? { optional: c("common.optional") } : {})}
          hint={start ? t("oauth.fromSchema") : undefined}
        >
          <Input
            className="mono"
            spellCheck={false}
            value={value[name] ?? ""}
            placeholder={start || (name.endsWith("_url") ? "https://" : undefined)}
            onChange={(event) => put({ [name]: event.target.value })}
          />
        </Field>
      ))}
      <Field label={t("oauth.client_secret")} optional={c("common.optional")} hint={keeps ? t("form.keep") : undefined}>
        <SecretInput
          className="mono"
          autoComplete="off"
          spellCheck={false}
          value={value.client_secret ?? ""}
          placeholder={keeps}
          showLabel={t("form.show")}
          hideLabel={t("form.hide")}
          onChange={(event) => put({ client_secret: event.target.value })}
        />
      </Field>
      <p className="hint self-end">{t("oauth.afterSaving")}</p>
    </div>
  );
}
