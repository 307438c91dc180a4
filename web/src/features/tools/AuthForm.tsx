/** How an API wants to be asked: by nobody in particular, or with a key in a header or in the address. */
import { useTranslation } from "react-i18next";
import type { ApiAuth } from "../../data/tools";
import { Field } from "../../ui/Field";
import { Input, SecretInput } from "../../ui/Input";
import { Segmented } from "../../ui/Segmented";
import { Select } from "../../ui/Select";
import { authKind } from "./model";

const KINDS = ["none", "api_key_header", "api_key_query"] as const;

interface Props {
  readonly value: ApiAuth;
  /** With the key masked. */
  readonly stored: ApiAuth | undefined;
  readonly onChange: (auth: ApiAuth) => void;
}

export function AuthForm({ value, stored, onChange }: Props) {
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
      ) : null}
    </section>
  );
}
