/** A knowledge base from a pipeline: a template, a blank one, or a file. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronRight, FileUp, LayoutTemplate, Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { createBlank, type Template, type TemplateType, templateList } from "../../data/pipelines";
import { errorDetails, messageOf } from "../../lib/http";
import { wireLanguage } from "../../lib/i18n";
import { Button } from "../../ui/Button";
import { Segmented } from "../../ui/Segmented";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { ImportDialog } from "./ImportDialog";
import { DeleteTemplate, RenameTemplate } from "./TemplateActions";
import { TemplateCard } from "./TemplateCard";
import { TemplatePreview } from "./TemplatePreview";

interface Props {
  readonly onMade: (datasetId: string) => void;
}

type Doing = { readonly what: "preview" | "rename" | "delete"; readonly template: Template };

export function CreatePipelinePage({ onMade }: Props) {
  const { t, i18n } = useTranslation("pipelines");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const [type, setType] = useState<TemplateType>("built-in");
  const [doing, setDoing] = useState<Doing>();
  const [importing, setImporting] = useState(false);
  const list = useQuery(templateList(type, wireLanguage(i18n.language)));
  const made = (datasetId: string) => {
    void client.invalidateQueries({ queryKey: ["datasets"] });
    onMade(datasetId);
  };
  const blank = useMutation({
    mutationFn: createBlank,
    onSuccess: (dataset) => made(dataset.id),
    onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
  });
  const rows = [...(list.data ?? [])].sort((a, b) => a.position - b.position);
  return (
    <section className="flex-1 flex flex-col min-h-0" aria-label={t("create.title")}>
      <header className="bar">
        <nav className="flex items-center gap-1.5 text-ink-3 whitespace-nowrap min-w-0" aria-label={t("create.crumb")}>
          <Link to="/datasets" className="hover:text-ink-1">
            {t("create.knowledge")}
          </Link>
          <ChevronRight size={12} strokeWidth={2} aria-hidden />
          <span className="text-ink-1 font-semibold truncate">{t("create.title")}</span>
        </nav>
        <span className="flex-1" />
        <Button icon={FileUp} onClick={() => setImporting(true)}>
          {t("create.import")}
        </Button>
        <Button kind="primary" icon={Plus} busy={blank.isPending} onClick={() => blank.mutate()}>
          {t("create.blank")}
        </Button>
      </header>
      <div className="flex-1 min-h-0 overflow-auto px-7 max-md:px-4 py-5 flex flex-col gap-4">
        <p className="text-ink-2 max-w-[80ch]">{t("create.about")}</p>
        <div>
          <Segmented
            label={t("create.templates")}
            value={type}
            onChange={setType}
            segments={[
              { value: "built-in", label: t("create.builtIn") },
              { value: "customized", label: t("create.customized") },
            ]}
          />
        </div>
        {list.isPending ? (
          <SkeletonRows rows={4} height={72} slow={c("common.slow")} label={c("common.loading")} />
        ) : list.error ? (
          <Failed
            title={t("create.failed")}
            text={messageOf(list.error)}
            retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
            details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
          />
        ) : rows.length === 0 ? (
          <Empty
            icon={LayoutTemplate}
            cat="knowledge"
            title={t("create.none")}
            text={t(type === "customized" ? "create.noneCustomized" : "create.noneBuiltIn")}
          />
        ) : (
          <ul aria-label={t("create.templates")} className="grid gap-3" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(min(280px, 100%), 1fr))" }}>
            {rows.map((template) => (
              <TemplateCard key={template.id} template={template} own={type === "customized"} onDo={(what) => setDoing({ what, template })} />
            ))}
          </ul>
        )}
      </div>
      {importing ? <ImportDialog onClose={() => setImporting(false)} onOpen={made} /> : null}
      {doing?.what === "preview" ? <TemplatePreview template={doing.template} type={type} onClose={() => setDoing(undefined)} onMade={made} /> : null}
      {doing?.what === "rename" ? <RenameTemplate template={doing.template} onClose={() => setDoing(undefined)} /> : null}
      {doing?.what === "delete" ? <DeleteTemplate template={doing.template} onClose={() => setDoing(undefined)} /> : null}
    </section>
  );
}
