/** Which key of a built-in provider is used; and what to do where there is none. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { inLanguage, isShut, type ToolProvider, toolCredentials } from "../api";
import { SelectField, Wrong } from "../parts/controls";

interface Props {
  readonly provider: ToolProvider;
  readonly value: string | undefined;
  readonly onChange: (credential: string | undefined) => void;
}

const DEFAULT = "default";

/** Says that the role of whoever builds may not use the tool, and who can change that. */
export function ClosedTool({ provider, tool }: { provider: ToolProvider; tool: string }) {
  const { t } = useTranslation("studio");
  return provider.closed_tools?.includes(tool) ? <Wrong>{t("tool.closedText")}</Wrong> : null;
}

export function CredentialField({ provider, value, onChange }: Props) {
  const { t, i18n } = useTranslation("studio");
  const builtin = provider.type === "builtin";
  const { data } = useQuery({ queryKey: ["tools", "credentials", provider.name, "studio"], queryFn: () => toolCredentials(provider.name), enabled: builtin, retry: false });
  const keys = data?.supported_credential_types.includes("api-key") ? data.credentials : [];
  // A personal key is used where it is chosen, never by default.
  const closed = isShut(provider) && (keys.length === 0 || (value === undefined && keys.every((key) => key.visibility === "personal")));
  // A published app is nobody's: it needs the sign-in of the workspace, whoever is in by themselves.
  const unpublished = provider.personal === true && provider.is_team_authorization === false;
  const name = inLanguage(provider.label, i18n.language) || provider.name;
  const gone = value !== undefined && data !== undefined && !keys.some((key) => key.id === value);
  // A published app has no member whose key it could use.
  const personal = keys.some((key) => key.id === value && key.visibility === "personal");
  const options = [{ value: DEFAULT, label: t("tool.defaultCredential") }, ...keys.map((key) => ({ value: key.id, label: key.visibility === "personal" ? t("tool.personalCredential", { name: key.name }) : key.name })), ...(gone && value ? [{ value, label: t("tool.goneCredential") }] : [])];
  return (
    <>
      {closed ? (
        <>
          <Wrong>{t(builtin ? "tool.noKeyText" : provider.personal ? "tool.ownText" : "tool.notLetInText", { provider: name })}</Wrong>
          <a className="link" href={`/tools?tab=${provider.type}&open=${encodeURIComponent(provider.id)}`} target="_blank" rel="noreferrer">
            {t("tool.openTools")}
          </a>
        </>
      ) : null}
      {unpublished && !closed ? <p className="st-hint">{t("tool.ownOnlyText", { provider: name })}</p> : null}
      {keys.length > 0 || gone ? <SelectField label={t("tool.credential")} hint={personal ? t("tool.personalHint") : undefined} value={value ?? DEFAULT} options={options} onChange={(next) => onChange(next === DEFAULT ? undefined : next)} /> : null}
    </>
  );
}
