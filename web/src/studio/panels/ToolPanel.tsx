/** A tool: which one, its settings and its inputs. */
import { ChevronDown, Wrench } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ClosedTool, CredentialField } from "../editors/CredentialField";
import { ToolInputs } from "../editors/ToolInputs";
import { toolData, ToolPicker, useTools } from "../editors/ToolPicker";
import type { PanelProps } from "../nodes/kind";
import { parameterSchema, type ToolData, type ToolParameter } from "../nodes/tool";
import { Wrong } from "../parts/controls";

export function ToolPanel({ id, data, update }: PanelProps<ToolData>) {
  const { t, i18n } = useTranslation("studio");
  const [at, setAt] = useState<{ x: number; y: number; flipTo: number }>();
  const { data: providers } = useTools();
  const last = (data.provider_id || data.provider_name).split("/").at(-1);
  const provider = providers?.find((p) => p.id === data.provider_id || p.name === data.provider_name || (p.type === data.provider_type && p.id.split("/").at(-1) === last));
  // An app is one tool, and may be called otherwise by now.
  const here = provider?.type === "app" ? provider.tools[0] : provider?.tools.find((x) => x.name === data.tool_name);
  // The workspace knows a tool best; a node keeps what its file said for when it does not.
  const parameters: readonly ToolParameter[] = here ? here.parameters.flatMap((p) => parameterSchema.safeParse(p).data ?? []) : data.paramSchemas;
  const inputs = parameters.filter((p) => p.form !== "form");
  const settings = parameters.filter((p) => p.form === "form");
  return (
    <>
      <section className="st-section">
        <span className="st-label">{t("tool.label")}</span>
        <button
          type="button"
          className="st-pick"
          aria-haspopup="listbox"
          aria-expanded={at !== undefined}
          aria-label={data.tool_name ? `${t("tool.chosen", { name: data.tool_label || data.tool_name })} ${data.provider_name.split("/").at(-1) ?? ""}`.trim() : t("tool.choose")}
          onClick={(e) => {
            const box = e.currentTarget.getBoundingClientRect();
            setAt({ x: box.left, y: box.bottom + 4, flipTo: box.top - 4 });
          }}
        >
          {data.tool_name ? (
            <>
              <span className="st-tile sm st-cat-connect">
                <Wrench size={12} strokeWidth={2} aria-hidden />
              </span>
              <span className="st-clip st-field-name">{data.tool_label || data.tool_name}</span>
              <span className="st-meta st-clip">{data.provider_type === "app" ? t("tool.sources.app") : data.provider_name.split("/").at(-1)}</span>
            </>
          ) : (
            t("tool.choose")
          )}
          <ChevronDown size={14} strokeWidth={1.9} aria-hidden />
        </button>
        {data.tool_name && providers && !here ? <Wrong>{t("tool.missing", { name: data.tool_label || data.tool_name, provider: data.provider_name || data.provider_id })}</Wrong> : null}
        {here && provider ? <ClosedTool provider={provider} tool={here.name} /> : null}
        {here && provider ? <CredentialField provider={provider} value={data.credential_id ?? undefined} onChange={(credential) => update({ credential_id: credential ?? null })} /> : null}
        {data.tool_description ? <span className="st-hint">{data.tool_description}</span> : null}
        {at ? (
          <ToolPicker
            at={at}
            onClose={() => setAt(undefined)}
            onChoose={(provider, chosen) => {
              setAt(undefined);
              update({ ...toolData(provider, chosen, i18n.language), tool_parameters: {}, tool_configurations: {}, credential_id: null });
            }}
          />
        ) : null}
      </section>
      {inputs.length > 0 ? (
        <section className="st-section" aria-label={t("tool.inputs")}>
          <ToolInputs node={id} parameters={inputs} values={data.tool_parameters} onChange={(tool_parameters) => update({ tool_parameters })} />
        </section>
      ) : null}
      {settings.length > 0 ? (
        <section className="st-section" aria-label={t("tool.settings")}>
          <span className="st-label">{t("tool.settings")}</span>
          <ToolInputs node={id} parameters={settings} values={data.tool_configurations} onChange={(tool_configurations) => update({ tool_configurations })} />
        </section>
      ) : null}
      {data.tool_name && parameters.length === 0 ? (
        <section className="st-section">
          <span className="st-hint">{t("tool.noInputs")}</span>
        </section>
      ) : null}
    </>
  );
}
