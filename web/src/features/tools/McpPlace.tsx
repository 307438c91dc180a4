/** Where an MCP server is: at an address, or a program that the operator allows, with its variables. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { mcpPrograms } from "../../data/tools";
import { Field } from "../../ui/Field";
import { Input, SecretInput } from "../../ui/Input";
import { Segmented } from "../../ui/Segmented";
import { Select } from "../../ui/Select";
import { isProgram, type McpDraft, PROGRAM } from "./model";

type Place = Pick<McpDraft, "url" | "headers">;

interface Props extends Place {
  readonly error: string | undefined;
  readonly onChange: (change: Partial<Place>) => void;
}

export function McpPlace({ url, headers, error, onChange }: Props) {
  const { t } = useTranslation("tools");
  const programs = useQuery(mcpPrograms).data ?? [];
  const own = isProgram(url);
  const chosen = programs.find((program) => program.server_url === url);
  const gone = own && url !== PROGRAM && !chosen;
  const given = (name: string) => headers.find((header) => header.name === name)?.value ?? "";
  const choose = (address: string) => {
    const variables = programs.find((program) => program.server_url === address)?.variables ?? [];
    onChange({ url: address, headers: variables.map((name) => ({ key: name, name, value: address === url ? given(name) : "" })) });
  };
  const give = (name: string, value: string) => onChange({ headers: [...headers.filter((header) => header.name !== name), { key: name, name, value }] });
  return (
    <>
      {programs.length > 0 || own ? (
        <div className="flex max-w-full">
          <Segmented
            label={t("mcp.place")}
            value={own ? "program" : "address"}
            onChange={(value) => onChange({ url: value === "program" ? PROGRAM : "", headers: [] })}
            segments={[
              { value: "address", label: t("mcp.byAddress") },
              { value: "program", label: t("mcp.asProgram") },
            ]}
          />
        </div>
      ) : null}
      {own ? (
        <>
          <Field label={t("mcp.program")} error={gone ? t("mcp.programGone", { name: url.slice(PROGRAM.length) }) : error} hint={t("mcp.programHint")}>
            <Select
              value={chosen?.server_url}
              onChange={choose}
              placeholder={t("mcp.chooseProgram")}
              options={programs.map((program) => ({ value: program.server_url, label: program.name }))}
            />
          </Field>
          {chosen && chosen.variables.length > 0 ? <p className="hint">{t("mcp.variablesHint")}</p> : null}
          {chosen?.variables.map((name) => (
            <Field key={name} label={name}>
              <SecretInput
                className="mono"
                autoComplete="off"
                value={given(name)}
                showLabel={t("form.show")}
                hideLabel={t("form.hide")}
                onChange={(event) => give(name, event.target.value)}
              />
            </Field>
          ))}
        </>
      ) : (
        <Field label={t("mcp.url")} error={error} hint={t("mcp.urlHint")}>
          <Input autoFocus className="mono" spellCheck={false} placeholder="https://" value={url} onChange={(event) => onChange({ url: event.target.value })} />
        </Field>
      )}
    </>
  );
}
