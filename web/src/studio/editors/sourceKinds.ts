/** The data sources that a pipeline can begin with, as nodes are set up with them. */
import { useQuery } from "@tanstack/react-query";
import { type SourcePlugin, sourcePlugins } from "../../data/pipelines";
import { inLanguage } from "../../lib/format";
import { LOCAL_FILE } from "../nodes/datasource";
import { parameterSchema, type ToolParameter } from "../nodes/tool";
import { useStudio } from "../store/studio";

export interface SourceKind {
  /** Plugin, provider and data source in one. */
  readonly key: string;
  readonly plugin: SourcePlugin;
  readonly datasource: SourcePlugin["declaration"]["datasources"][number];
}

export function keyOf(plugin: string, provider: string, name: string): string {
  return `${plugin}/${provider}/${name}`;
}

export function sourceKinds(plugins: readonly SourcePlugin[]): SourceKind[] {
  return plugins.flatMap((plugin) => plugin.declaration.datasources.map((datasource) => ({ key: keyOf(plugin.plugin_id, plugin.provider, datasource.identity.name), plugin, datasource })));
}

/** Those of the workspace; asked for only where a pipeline is edited. */
export function useSourceKinds() {
  const enabled = useStudio((s) => s.mode === "rag-pipeline");
  return useQuery({ ...sourcePlugins, enabled, select: sourceKinds });
}

export function parametersOf(kind: SourceKind): ToolParameter[] {
  return kind.datasource.parameters.flatMap((p) => parameterSchema.safeParse(p).data ?? []);
}

export function nameOfKind(kind: SourceKind, language: string): string {
  const own = inLanguage(kind.plugin.declaration.identity.label, language) || kind.plugin.provider;
  // Only where one provider has several does the name of the data source itself say more.
  return kind.plugin.declaration.datasources.length > 1 ? `${own}: ${inLanguage(kind.datasource.identity.label, language) || kind.datasource.identity.name}` : own;
}

/** The settings of a node that reads from this source. */
export function sourceData(kind: SourceKind, language: string): Record<string, unknown> {
  const { plugin, datasource } = kind;
  const values = parametersOf(kind).flatMap((p): [string, unknown][] => {
    const given = p.default !== undefined && p.default !== null;
    if (given) return [[p.name, { type: "constant", value: p.default }]];
    return p.required ? [[p.name, { type: "mixed", value: "" }]] : [];
  });
  const type = plugin.declaration.provider_type;
  return {
    plugin_id: plugin.plugin_id,
    provider_name: plugin.provider,
    provider_type: type,
    datasource_name: datasource.identity.name,
    datasource_label: inLanguage(datasource.identity.label, language) || datasource.identity.name,
    plugin_unique_identifier: plugin.plugin_unique_identifier,
    datasource_parameters: Object.fromEntries(values),
    datasource_configurations: {},
    fileExtensions: type === "local_file" ? LOCAL_FILE.fileExtensions : [],
  };
}

/** Inputs as they are stored: what is optional and empty is left out, what is required stays to be filled in. */
export function keptInputs(values: Readonly<Record<string, unknown>>, parameters: readonly ToolParameter[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(([name, input]) => {
      if (parameters.find((p) => p.name === name)?.required) return true;
      const value: unknown = typeof input === "object" && input !== null && "value" in input ? input.value : input;
      return value !== "" && value !== undefined && value !== null;
    }),
  );
}
