import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import type { OutputVariable } from "../model/variables";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, listOf, text } from "./schema";
import { hasInput, inputOf } from "./tool";

const valuesSchema = z.record(z.string(), z.unknown()).nullish().catch({}).transform((v) => v ?? {});

const schema = z.looseObject({
  ...baseShape,
  plugin_id: text,
  provider_name: text,
  provider_type: text,
  datasource_name: text,
  datasource_label: text,
  plugin_unique_identifier: text,
  datasource_parameters: valuesSchema,
  datasource_configurations: valuesSchema,
  fileExtensions: listOf(z.string()),
});
export type DatasourceData = z.infer<typeof schema>;

/** What documents are read from before anybody says otherwise. */
export const FILE_EXTENSIONS = ["txt", "md", "mdx", "markdown", "pdf", "html", "htm", "xlsx", "xls", "docx", "csv", "pptx", "xml", "epub", "properties"];

export const LOCAL_FILE = {
  plugin_id: "langgenius/file",
  provider_name: "file",
  provider_type: "local_file",
  datasource_name: "upload-file",
  datasource_label: "File",
  plugin_unique_identifier: "",
  datasource_parameters: {},
  datasource_configurations: {},
  fileExtensions: FILE_EXTENSIONS,
};

const TYPE: OutputVariable = { name: "datasource_type", type: "string" };
const OUTPUTS: Readonly<Record<string, readonly OutputVariable[]>> = {
  local_file: [{ name: "file", type: "file" }, TYPE],
  online_drive: [{ name: "file", type: "file" }, TYPE],
  website_crawl: [
    { name: "source_url", type: "string" },
    { name: "content", type: "string" },
    { name: "title", type: "string" },
    { name: "description", type: "string" },
    TYPE,
  ],
  online_document: [{ name: "workspace_id", type: "string" }, { name: "page_id", type: "string" }, { name: "content", type: "string" }, TYPE],
};

function Card({ data }: { data: DatasourceData }) {
  const { t } = useTranslation("studio");
  if (!data.datasource_name) return null;
  const files = data.provider_type === "local_file";
  return <CardLine>{files ? t("datasource.fileCard", { count: data.fileExtensions.length }) : data.datasource_label || data.provider_name}</CardLine>;
}

export const datasource = defineKind<DatasourceData>({
  type: "datasource",
  modes: ["rag-pipeline"],
  hasInput: false,
  starts: true,
  variants: "datasources",
  schema,
  defaults: () => ({ ...LOCAL_FILE }),
  outputs: (data) => OUTPUTS[data.provider_type] ?? [TYPE],
  check: (data, { mode }): KindProblem[] => {
    if (mode !== "rag-pipeline") return [{ code: "cannotRun", values: { kind: data.type } }];
    if (!data.datasource_name || !data.provider_type) return [{ code: "noSource" }];
    if (!OUTPUTS[data.provider_type]) return [{ code: "sourceUnknown", values: { name: data.datasource_label || data.provider_name } }];
    if (data.provider_type === "local_file") return data.fileExtensions.length === 0 ? [{ code: "noExtensions" }] : [];
    return Object.keys(data.datasource_parameters).flatMap((name) => (hasInput(inputOf(data.datasource_parameters, name)) ? [] : [{ code: "noToolInput", values: { name } }]));
  },
  Card,
  Panel: lazy(() => import("../panels/DatasourcePanel").then((m) => ({ default: m.DatasourcePanel }))),
});
