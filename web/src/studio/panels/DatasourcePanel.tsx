/** Where documents come from: the source, its key, its parameters, the files it takes. */
import { useQuery } from "@tanstack/react-query";
import { ListPlus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { sourceProviders } from "../../data/sources";
import { get } from "../../lib/http";
import { keptInputs, keyOf, nameOfKind, parametersOf, sourceData, type SourceKind, useSourceKinds } from "../editors/sourceKinds";
import { ToolInputs } from "../editors/ToolInputs";
import { type DatasourceData, FILE_EXTENSIONS } from "../nodes/datasource";
import type { PanelProps } from "../nodes/kind";
import { Button, SelectField, Wrong } from "../parts/controls";
import { openSide } from "../store/actions";
import { useStudio } from "../store/studio";

export function DatasourcePanel({ id, data, update }: PanelProps<DatasourceData>) {
  const { t, i18n } = useTranslation("studio");
  const { data: kinds, error } = useSourceKinds();
  const key = keyOf(data.plugin_id, data.provider_name, data.datasource_name);
  // Files name a source by its provider as well; the plugin may be another copy of it.
  const kind = kinds?.find((k) => k.key === key) ?? kinds?.find((k) => k.plugin.provider === data.provider_name && k.plugin.declaration.provider_type === data.provider_type);
  const parameters = kind ? parametersOf(kind) : [];
  const choose = (next: string) => {
    const chosen = kinds?.find((k) => k.key === next);
    if (chosen) update(sourceData(chosen, i18n.language));
  };
  const options = (kinds ?? []).map((k) => ({ value: k.key, label: nameOfKind(k, i18n.language) }));
  return (
    <>
      <section className="st-section">
        <SelectField label={t("datasource.source")} value={kind?.key ?? (data.datasource_label || data.datasource_name)} placeholder={t("datasource.choose")} options={options} onChange={choose} />
        {error ? <Wrong>{t("datasource.listFailed", { message: error.message })}</Wrong> : null}
        {kinds && !kind && data.datasource_name ? <Wrong>{t("datasource.missing", { name: data.datasource_label || data.datasource_name })}</Wrong> : null}
        {kind && data.provider_type !== "local_file" ? <Connection kind={kind} /> : null}
      </section>
      {parameters.length > 0 ? (
        <section className="st-section" aria-label={t("datasource.parameters")}>
          <span className="st-label">{t("datasource.parameters")}</span>
          <span className="st-hint">{t("datasource.parametersHint")}</span>
          <ToolInputs node={id} parameters={parameters} values={data.datasource_parameters} onChange={(values) => update({ datasource_parameters: keptInputs(values, parameters) })} />
        </section>
      ) : null}
      {data.provider_type === "local_file" ? <Extensions value={data.fileExtensions} onChange={(fileExtensions) => update({ fileExtensions })} /> : null}
      <Asked id={id} />
    </>
  );
}

/** Whether the workspace has a key for it, and where one is added. */
function Connection({ kind }: { kind: SourceKind }) {
  const { t } = useTranslation("studio");
  const providers = useQuery(sourceProviders);
  const own = providers.data?.find((p) => p.id === `${kind.plugin.plugin_id}/${kind.plugin.provider}`) ?? providers.data?.find((p) => p.provider === kind.plugin.provider);
  const keys = own?.credentials_list.filter((c) => !c.disabled) ?? [];
  const connected = own ? keys.length > 0 : kind.plugin.is_authorized;
  return (
    <div className="st-col">
      {connected ? (
        <span className="st-hint">{keys.length > 0 ? t("datasource.keys", { names: keys.map((k) => k.name).join(", ") }) : t("datasource.connected")}</span>
      ) : (
        <Wrong>{t("datasource.noKey")}</Wrong>
      )}
      <a className="link" href="/settings/sources" target="_blank" rel="noreferrer">
        {t("datasource.openSettings")}
      </a>
    </div>
  );
}

function Extensions({ value, onChange }: { value: readonly string[]; onChange: (value: string[]) => void }) {
  const { t } = useTranslation("studio");
  const known = useQuery({ queryKey: ["files", "types"], queryFn: () => get<{ allowed_extensions: readonly string[] }>("/files/support-type"), staleTime: 300_000 });
  const bare = value.map((v) => v.replace(/^\./, "").toLowerCase());
  const offered = [...new Set([...(known.data?.allowed_extensions ?? FILE_EXTENSIONS).map((e) => e.toLowerCase()), ...bare])].sort();
  const all = offered.every((e) => bare.includes(e));
  return (
    <section className="st-section">
      <div className="st-between">
        <span className="st-label" id="st-extensions">
          {t("datasource.extensions")}
        </span>
        <Button size="sm" look="quiet" onClick={() => onChange(all ? [] : offered)}>
          {t(all ? "datasource.none" : "datasource.all")}
        </Button>
      </div>
      <fieldset className="st-chips st-plain" aria-labelledby="st-extensions">
        {offered.map((extension) => (
          <Button key={extension} size="sm" aria-pressed={bare.includes(extension)} onClick={() => onChange(bare.includes(extension) ? bare.filter((e) => e !== extension) : [...bare, extension])}>
            .{extension}
          </Button>
        ))}
      </fieldset>
    </section>
  );
}

/** What a person is asked for when this source is used. */
function Asked({ id }: { id: string }) {
  const { t } = useTranslation("studio");
  const count = useStudio((s) => s.document.inputs.filter((f) => f.belong_to_node_id === id).length);
  return (
    <section className="st-section">
      <div className="st-between">
        <span className="st-label">{t("pipelineInputs.title")}</span>
        <Button size="sm" look="quiet" icon={ListPlus} onClick={() => openSide("inputs")}>
          {t("pipelineInputs.edit")}
        </Button>
      </div>
      <span className="st-hint">{t("pipelineInputs.ownCount", { count })}</span>
    </section>
  );
}
