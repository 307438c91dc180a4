/** What is known about a document: its metadata, how it was split, what became of it. */
import { Pencil, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../lib/format";
import { IconButton } from "../../ui/Button";
import { typedOf } from "./rules";
import type { DocumentDetail, MetadataValue } from "./types";

interface Props {
  readonly doc: DocumentDetail;
  /** It fills the page instead of standing beside the chunks. */
  readonly alone: boolean;
  readonly edit: boolean;
  readonly onMetadata: () => void;
  readonly onClose: () => void;
}

export function DocumentFacts({ doc, alone, edit, onMetadata, onClose }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const format = useFormat();
  const rule = doc.document_process_rule ?? doc.dataset_process_rule;
  const rules = rule?.rules;
  const unit = t(`units.${rules?.segmentation?.unit ?? "characters"}`);
  const size = (doc.data_source_info ?? doc.data_source_detail_dict)?.upload_file?.size;
  const on = (id: string) => rules?.pre_processing_rules?.some((each) => each.id === id && each.enabled);
  const cleaning = [on("remove_extra_spaces") ? t("split.spaces") : undefined, on("remove_urls_emails") ? t("split.urls") : undefined].filter(Boolean);
  const splitting: [string, string | undefined][] = [
    [t("split.form"), t(`forms.${doc.doc_form}`)],
    [t("split.parent"), rules?.parent_mode ? t(`split.parents.${rules.parent_mode}`) : undefined],
    [t("split.separator"), rules?.segmentation ? typedOf(rules.segmentation.separator) : undefined],
    [t("split.size"), rules?.segmentation ? `${format.number(rules.segmentation.max_tokens)} ${unit}` : undefined],
    [t("split.overlap"), rules?.segmentation?.chunk_overlap ? `${format.number(rules.segmentation.chunk_overlap)} ${unit}` : undefined],
    [t("split.childSize"), rules?.subchunk_segmentation ? `${format.number(rules.subchunk_segmentation.max_tokens)} ${unit}` : undefined],
    [t("split.clean"), cleaning.length > 0 ? cleaning.join(", ") : undefined],
  ];
  const numbers: [string, string | undefined][] = [
    [t("facts.size"), size ? format.bytes(size) : undefined],
    [t("documents.col.added"), format.dateTime(doc.created_at)],
    [t("facts.done"), doc.completed_at ? format.dateTime(doc.completed_at) : undefined],
    [t("facts.took"), doc.indexing_latency ? format.duration(doc.indexing_latency) : undefined],
    [t("facts.chunks"), doc.segment_count ? format.number(doc.segment_count) : undefined],
    [t("facts.average"), doc.average_segment_length ? t("units.chars", { count: Math.round(doc.average_segment_length) }) : undefined],
    [t("facts.tokens"), doc.tokens ? format.number(doc.tokens) : undefined],
    [t("documents.col.hits"), format.number(doc.hit_count ?? 0)],
  ];
  const metadata = doc.doc_metadata ?? [];
  return (
    <aside className="kb-side" data-alone={alone} aria-label={t("facts.title")}>
      <header className="flex items-center gap-2 px-4.5 h-11 border-b border-line-1 flex-none">
        <h2 className="font-semibold flex-1">{t("facts.title")}</h2>
        {alone ? <IconButton size="sm" icon={X} label={c("common.close")} onClick={onClose} /> : null}
      </header>
      <div className="flex-1 min-h-0 overflow-auto px-4.5 py-3 flex flex-col gap-5">
        <section>
          <div className="flex items-center mb-1">
            <h3 className="lbl flex-1">{t("tabs.metadata")}</h3>
            {edit ? <IconButton size="sm" icon={Pencil} label={t("metadata.edit")} onClick={onMetadata} /> : null}
          </div>
          {metadata.length === 0 ? (
            <p className="hint">{t("metadata.none")}</p>
          ) : (
            <Facts rows={metadata.map((value) => [value.name, textOf(value, format.dateTime)])} />
          )}
        </section>
        <section>
          <h3 className="lbl mb-1">{t("facts.splitting")}</h3>
          <Facts rows={splitting} />
        </section>
        <section>
          <h3 className="lbl mb-1">{t("facts.numbers")}</h3>
          <Facts rows={numbers} />
        </section>
      </div>
    </aside>
  );
}

function textOf(value: MetadataValue, time: (unix: number) => string): string {
  if (value.value === null || value.value === "") return "–";
  return value.type === "time" && Number.isFinite(Number(value.value)) ? time(Number(value.value)) : String(value.value);
}

function Facts({ rows }: { rows: readonly (readonly [string, string | undefined])[] }) {
  return (
    <dl className="kb-list">
      {rows.map(([name, value]) =>
        value === undefined ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="num wrap-anywhere">{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
