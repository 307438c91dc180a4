/** What of a tool is set by hand where an agent uses it: its settings and its key; and what the model fills in. */
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { credentialInfo, isPersonal, parametersOf, type Tool, type ToolProvider } from "../../data/tools";
import { inLanguage } from "../../lib/format";
import type { ToolRules } from "../../lib/toolRules";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Badge } from "../../ui/Marks";
import { Select } from "../../ui/Select";
import { callOf } from "./model";
import { ParameterField } from "./TestDialog";

interface Props {
  readonly provider: ToolProvider;
  readonly tool: Tool;
  readonly values: Readonly<Record<string, unknown>>;
  readonly credential: string | undefined;
  readonly rules: ToolRules;
  readonly onClose: () => void;
  readonly onSave: (values: Readonly<Record<string, unknown>>, credential: string | undefined, rules: ToolRules) => void;
}

const asText = (value: unknown): string => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));
const DEFAULT = "default";

export function ToolSettings({ provider, tool, values: first, credential: firstCredential, rules: firstRules, onClose, onSave }: Props) {
  const { t, i18n } = useTranslation("tools");
  const { t: c } = useTranslation();
  const form = useId();
  const byHand = parametersOf(tool).filter((each) => each.form === "form");
  const byModel = parametersOf(tool).filter((each) => each.form !== "form");
  const [values, setValues] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(byHand.map((each) => [each.name, asText(first[each.name] ?? each.default)])),
  );
  const [credential, setCredential] = useState(firstCredential);
  const [rules, setRules] = useState(firstRules);
  const [checked, setChecked] = useState(false);
  const { call, wrong } = callOf(byHand, values);
  return (
    <Dialog
      open
      title={inLanguage(tool.label, i18n.language) || tool.name}
      about={inLanguage(tool.description, i18n.language)}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form}>
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
          if (wrong.length === 0) onSave({ ...first, ...call }, credential, rules);
        }}
      >
        {provider.closed_tools?.includes(tool.name) ? <p className="wrong">{t("rights.closedText")}</p> : null}
        {provider.type === "builtin" ? <CredentialSelect provider={provider.name} value={credential} onChange={setCredential} /> : null}
        {byHand.map((parameter) => (
          <ParameterField
            key={parameter.name}
            parameter={parameter}
            value={values[parameter.name] ?? ""}
            error={checked && wrong.includes(parameter.name) ? t(`wrong.${parameter.type}`, { defaultValue: t("form.required") }) : undefined}
            onChange={(value) => setValues((now) => ({ ...now, [parameter.name]: value }))}
          />
        ))}
        <RuleFields rules={rules} onChange={setRules} />
        {byModel.length > 0 ? (
          <section aria-label={t("filledIn")}>
            <h3 className="lbl mb-1">{t("filledIn")}</h3>
            <ul className="flex flex-col gap-1.5">
              {byModel.map((parameter) => (
                <li key={parameter.name} className="text-12">
                  <span className="mono">{parameter.name}</span> {parameter.required ? <Badge tone="line">{t("required")}</Badge> : null}
                  <span className="text-ink-2 block wrap-anywhere">
                    {inLanguage(parameter.human_description, i18n.language) || parameter.llm_description || ""}
                  </span>
                </li>
              ))}
            </ul>
          </section>
        ) : null}
        {byHand.length + byModel.length === 0 ? <p className="hint">{t("test.noParameters")}</p> : null}
      </form>
    </Dialog>
  );
}

/** What a person is asked before the tool is called. */
function RuleFields({ rules, onChange }: { readonly rules: ToolRules; readonly onChange: (rules: ToolRules) => void }) {
  const { t } = useTranslation("tools");
  return (
    <>
      <Field label={t("approval.when")} hint={t("approval.whenHint")}>
        <Select
          value={rules.always ? "always" : rules.guard ? "guard" : "never"}
          onChange={(next) => onChange({ ...rules, always: next === "always", guard: next === "guard" })}
          options={[
            { value: "never", label: t("approval.never") },
            { value: "guard", label: t("approval.guard") },
            { value: "always", label: t("approval.always") },
          ]}
        />
      </Field>
      {rules.always || rules.guard ? (
        <Field label={t("approval.who")}>
          <Select
            value={rules.byMember ? "member" : "user"}
            onChange={(next) => onChange({ ...rules, byMember: next === "member" })}
            options={[
              { value: "user", label: t("approval.user") },
              { value: "member", label: t("approval.member") },
            ]}
          />
        </Field>
      ) : null}
    </>
  );
}

interface SelectProps {
  readonly provider: string;
  readonly value: string | undefined;
  readonly onChange: (credential: string | undefined) => void;
}

/** Which key of the provider is used; nothing to see where there is none to choose. */
export function CredentialSelect({ provider, value, onChange }: SelectProps) {
  const { t } = useTranslation("tools");
  const info = useQuery(credentialInfo(provider)).data;
  if (!info?.supported_credential_types.includes("api-key")) return null;
  const keys = info.credentials;
  const gone = value !== undefined && !keys.some((key) => key.id === value);
  const personal = keys.some((key) => key.id === value && isPersonal(key));
  return (
    <Field
      label={t("keys.use")}
      hint={keys.length === 0 ? t("keys.none") : personal ? t("keys.personalHint") : undefined}
      error={gone ? t("keys.gone") : undefined}
    >
      <Select
        value={gone ? "" : (value ?? DEFAULT)}
        onChange={(next) => onChange(next === DEFAULT ? undefined : next)}
        options={[
          { value: DEFAULT, label: t("keys.theDefault") },
          ...keys.map((key) => ({ value: key.id, label: isPersonal(key) ? t("keys.personalNamed", { name: key.name }) : key.name })),
        ]}
      />
    </Field>
  );
}
