/** A template before it is used: its graph and the chunks it makes. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { confirmImport, createFromFile, type PipelineImport, type Template, type TemplateType, templateDetail } from "../../data/pipelines";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Badge } from "../../ui/Marks";
import { Failed, SkeletonRows } from "../../ui/States";
import { GraphSketch } from "./GraphSketch";
import { ImportReport } from "./ImportDialog";

interface Props {
  readonly template: Template;
  readonly type: TemplateType;
  readonly onClose: () => void;
  readonly onMade: (datasetId: string) => void;
}

export function TemplatePreview({ template, type, onClose, onMade }: Props) {
  const { t } = useTranslation("pipelines");
  const { t: k } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const detail = useQuery(templateDetail(type, template.id));
  const [result, setResult] = useState<PipelineImport>();
  const take = (answer: PipelineImport) => (answer.status === "completed" && answer.dataset_id ? onMade(answer.dataset_id) : setResult(answer));
  const make = useMutation({ mutationFn: createFromFile, onSuccess: take });
  const confirm = useMutation({ mutationFn: confirmImport, onSuccess: take });
  const structure = template.chunk_structure ?? detail.data?.chunk_structure;
  const problem = make.error ?? confirm.error;
  const dataset = result?.dataset_id;
  return (
    <Dialog
      open
      size="lg"
      title={template.name}
      about={template.description}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          {result?.status === "pending" ? (
            <Button kind="primary" busy={confirm.isPending} onClick={() => confirm.mutate(result.id)}>
              {t("import.confirm")}
            </Button>
          ) : dataset ? (
            <Button kind="primary" onClick={() => onMade(dataset)}>
              {t("import.open")}
            </Button>
          ) : (
            <Button kind="primary" busy={make.isPending} disabled={!detail.data} onClick={() => detail.data && make.mutate(detail.data.export_data)}>
              {t("template.use")}
            </Button>
          )}
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {result ? <ImportReport result={result} /> : null}
        {detail.isPending ? (
          <SkeletonRows rows={3} height={64} slow={c("common.slow")} label={c("common.loading")} />
        ) : detail.error ? (
          <Failed title={t("template.failed")} text={messageOf(detail.error)} retry={{ label: c("common.retry"), onClick: () => void detail.refetch() }} />
        ) : (
          <GraphSketch graph={detail.data.graph} label={t("template.graph", { name: template.name })} />
        )}
        {structure ? (
          <div className="flex flex-col gap-1">
            <span className="lbl">{t("template.structure")}</span>
            <div className="flex items-center gap-2">
              <Badge>{k(`forms.${structure}`)}</Badge>
              <span className="text-ink-2">{t(`structures.${structure}`)}</span>
            </div>
          </div>
        ) : null}
        {detail.data?.created_by ? <p className="hint">{t("template.by", { name: detail.data.created_by })}</p> : null}
        {problem ? (
          <p className="wrong" role="alert">
            {messageOf(problem)}
          </p>
        ) : null}
      </div>
    </Dialog>
  );
}
