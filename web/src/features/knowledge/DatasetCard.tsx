import { Download, Ellipsis, FolderOpen, Settings, Tag as TagIcon, Trash2, Workflow } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { IconButton } from "../../ui/Button";
import { Badge } from "../../ui/Marks";
import { Menu, type MenuEntry } from "../../ui/Menu";
import { DatasetTile } from "./DatasetTile";
import type { Dataset } from "./types";

interface Props {
  readonly dataset: Dataset;
  readonly active: boolean;
  readonly edit: boolean;
  readonly onOpen: () => void;
  readonly onSettings: () => void;
  /** Only for those who may edit pipelines. */
  readonly onPipeline?: () => void;
  readonly onExport?: () => void;
  readonly onTags: () => void;
  readonly onDelete: () => void;
}

export function DatasetCard({ dataset, active, edit, onOpen, onSettings, onPipeline, onExport, onTags, onDelete }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const format = useFormat();
  const external = dataset.provider === "external";
  const pipeline = dataset.runtime_mode === "rag_pipeline";
  const form = dataset.doc_form ?? dataset.chunk_structure;
  const entries: MenuEntry[] = [
    { key: "open", label: t("list.open"), icon: FolderOpen, onSelect: onOpen },
    ...(edit
      ? [
          ...(pipeline && onPipeline ? [{ key: "pipeline", label: t("list.editPipeline"), icon: Workflow, onSelect: onPipeline }] : []),
          ...(pipeline && onExport ? [{ key: "export", label: t("list.exportPipeline"), icon: Download, onSelect: onExport }] : []),
          { key: "settings", label: t("tabs.settings"), icon: Settings, onSelect: onSettings },
          { key: "tags", label: t("list.tags"), icon: TagIcon, onSelect: onTags },
          { key: "line", line: true as const },
          { key: "delete", label: c("common.delete"), icon: Trash2, tone: "bad" as const, onSelect: onDelete },
        ]
      : []),
  ];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the name is a link for the keyboard
    <li className="card appcard kb-dataset" data-active={active} onClick={onOpen}>
      <div className="flex items-start gap-3">
        <DatasetTile dataset={dataset} size="lg" />
        <div className="flex-1 min-w-0">
          <a
            href={`/datasets/${dataset.id}/documents`}
            className="font-semibold block truncate"
            onClick={(event) => (event.metaKey || event.ctrlKey ? event.stopPropagation() : event.preventDefault())}
            onKeyDown={(event) => (event.key === "Enter" ? onOpen() : undefined)}
          >
            {dataset.name}
          </a>
          <div className="text-12 text-ink-3 truncate">
            {dataset.author_name ? t("list.by", { name: dataset.author_name, time: format.ago(dataset.updated_at) }) : format.ago(dataset.updated_at)}
          </div>
        </div>
        <Menu
          entries={entries}
          trigger={<IconButton size="sm" icon={Ellipsis} label={t("list.menu", { name: dataset.name })} onClick={(event) => event.stopPropagation()} />}
        />
      </div>
      <p className="text-12 text-ink-2 appcard-text">{dataset.description}</p>
      <div className="flex gap-1 flex-wrap min-h-[18px]">
        {external ? <Badge tone="pau">{t("list.external")}</Badge> : null}
        {pipeline ? (
          <Badge tone="line" icon={Workflow}>
            {t("list.pipeline")}
          </Badge>
        ) : null}
        {pipeline && dataset.is_published === false ? <Badge tone="warn">{t("list.unpublished")}</Badge> : null}
        {form ? <Badge>{t(`forms.${form}`)}</Badge> : null}
        {dataset.indexing_technique ? <Badge>{t(`techniques.${dataset.indexing_technique}`)}</Badge> : null}
        {dataset.indexing_technique === "high_quality" && dataset.embedding_available === false ? <Badge tone="bad">{t("list.noModel")}</Badge> : null}
        {dataset.tags.slice(0, 3).map((tag) => (
          <Badge key={tag.id} tone="line" icon={TagIcon}>
            {tag.name}
          </Badge>
        ))}
      </div>
      <dl className="appcard-facts kb-facts mt-auto">
        <div>
          <dt>{t("list.documents")}</dt>
          <dd className="num">{format.number(dataset.document_count)}</dd>
        </div>
        <div>
          <dt>{t("list.characters")}</dt>
          <dd className="num">{format.number(dataset.word_count)}</dd>
        </div>
        <div>
          <dt>{t("list.apps")}</dt>
          <dd className="num">{format.number(dataset.app_count)}</dd>
        </div>
      </dl>
    </li>
  );
}
