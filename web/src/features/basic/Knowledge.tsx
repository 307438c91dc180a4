/** Where a basic app looks things up before it answers, and how much of what it finds the model gets. */
import { useQuery } from "@tanstack/react-query";
import { ExternalLink, Plus, SlidersHorizontal, Trash2, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Badge } from "../../ui/Marks";
import { Popover } from "../../ui/Menu";
import { Select } from "../../ui/Select";
import { Slider } from "../../ui/Slider";
import { Switch } from "../../ui/Switch";
import { datasetsById } from "../knowledge/api";
import { DatasetPicker } from "../knowledge/DatasetPicker";
import { DatasetTile } from "../knowledge/DatasetTile";
import type { PartProps } from "./ConfigurationPage";

const number = (value: unknown, otherwise: number) => (typeof value === "number" ? value : otherwise);

export function Knowledge({ config, completion, onChange }: PartProps & { completion: boolean }) {
  const { t } = useTranslation("basic");
  const { t: c } = useTranslation();
  const { t: k } = useTranslation("knowledge");
  const [choosing, setChoosing] = useState(false);
  const { knowledge } = config;
  const known = useQuery(datasetsById(knowledge.ids));
  const put = (part: Partial<typeof knowledge>) => onChange({ knowledge: { ...knowledge, ...part } });
  const set = (part: Record<string, unknown>) => put({ rest: { ...knowledge.rest, ...part } });
  const topK = number(knowledge.rest.top_k, 4);
  const limited = knowledge.rest.score_threshold_enabled === true;
  const limit = number(knowledge.rest.score_threshold, 0.35);
  const fields = config.fields.filter((field) => field.type !== "checkbox");
  const asks = fields.some((field) => field.variable === knowledge.question);
  return (
    <section>
      <div className="flex items-center mb-1.5">
        <h2 className="font-semibold flex-1">{k("list.title")}</h2>
        {knowledge.ids.length > 0 ? (
          <Popover
            label={t("knowledge.settings")}
            align="end"
            className="w-[320px] max-w-[calc(100vw-24px)]"
            trigger={
              <Button size="sm" kind="quiet" icon={SlidersHorizontal}>
                {k("test.top", { count: topK })}
              </Button>
            }
          >
            <div className="flex flex-col gap-4 p-3">
              <div className="flex flex-col gap-[5px]">
                <span className="lbl">
                  {k("retrieval.topK")}
                  <span className="ms-auto text-ink-3 font-regular num">{topK}</span>
                </span>
                <Slider label={k("retrieval.topK")} min={1} max={10} step={1} value={topK} onChange={(top_k) => set({ top_k })} />
              </div>
              <div className="flex flex-col gap-[5px]">
                <span className="lbl">
                  {k("retrieval.threshold")}
                  <Switch
                    label={k("retrieval.threshold")}
                    checked={limited}
                    onChange={(on) => set({ score_threshold_enabled: on, score_threshold: on ? limit : knowledge.rest.score_threshold })}
                  />
                  <span className="ms-auto text-ink-3 font-regular num">{limited ? limit.toFixed(2) : k("retrieval.off")}</span>
                </span>
                {limited ? (
                  <Slider
                    label={k("retrieval.thresholdValue")}
                    min={0}
                    max={1}
                    step={0.01}
                    value={limit}
                    onChange={(next) => set({ score_threshold: Math.round(next * 100) / 100 })}
                  />
                ) : null}
              </div>
            </div>
          </Popover>
        ) : null}
        <Button size="sm" kind="quiet" icon={Plus} onClick={() => setChoosing(true)}>
          {c("common.add")}
        </Button>
      </div>
      {knowledge.ids.length === 0 ? (
        <p className="text-ink-3">{t("knowledge.empty")}</p>
      ) : (
        <ul className="card">
          {knowledge.ids.map((id) => {
            const dataset = known.data?.data.find((each) => each.id === id);
            const name = dataset?.name ?? id;
            return (
              <li key={id} className="flex items-center gap-2.5 px-2.5 min-h-9.5 border-b border-line-1 last:border-b-0">
                <DatasetTile dataset={dataset ?? {}} />
                <span className={`truncate ${dataset ? "font-semibold" : "mono"}`}>{name}</span>
                <span className="text-12 text-ink-3 truncate flex-1 num">{dataset ? k("documents.count", { count: dataset.document_count }) : ""}</span>
                {dataset?.indexing_technique ? <Badge>{k(`techniques.${dataset.indexing_technique}`)}</Badge> : null}
                {dataset || !known.isSuccess ? null : <Badge tone="bad">{t("knowledge.gone")}</Badge>}
                {dataset ? (
                  <a
                    className="btn"
                    data-kind="quiet"
                    data-size="sm"
                    data-icon=""
                    href={`/datasets/${id}`}
                    target="_blank"
                    rel="noreferrer"
                    aria-label={t("knowledge.open", { name })}
                  >
                    <ExternalLink size={14} strokeWidth={1.75} aria-hidden />
                  </a>
                ) : null}
                <IconButton
                  size="sm"
                  icon={Trash2}
                  label={t("form.delete", { name })}
                  onClick={() => put({ ids: knowledge.ids.filter((each) => each !== id) })}
                />
              </li>
            );
          })}
        </ul>
      )}
      {completion && knowledge.ids.length > 0 ? (
        <div className="mt-3">
          <Field label={t("knowledge.question")} hint={t("knowledge.questionHint")} error={asks ? undefined : t("knowledge.needQuestion")}>
            <Select
              value={asks ? knowledge.question : undefined}
              placeholder={t("knowledge.choose")}
              options={fields.map((field) => ({ value: field.variable, label: field.label }))}
              onChange={(question) => put({ question })}
            />
          </Field>
        </div>
      ) : null}
      {known.error ? (
        <div className="banner mt-2" data-tone="warn">
          <TriangleAlert size={16} aria-hidden />
          {known.error.message}
        </div>
      ) : null}
      {choosing ? (
        <ChooseDialog
          chosen={knowledge.ids}
          onClose={() => setChoosing(false)}
          onSave={(ids) => {
            put({ ids });
            setChoosing(false);
          }}
        />
      ) : null}
    </section>
  );
}

function ChooseDialog({ chosen, onClose, onSave }: { chosen: readonly string[]; onClose: () => void; onSave: (ids: readonly string[]) => void }) {
  const { t } = useTranslation("basic");
  const { t: c } = useTranslation();
  const [picked, setPicked] = useState(chosen);
  return (
    <Dialog
      open
      title={t("knowledge.title")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" onClick={() => onSave(picked)}>
            {c("common.save")}
          </Button>
        </>
      }
    >
      <DatasetPicker value={picked} onChange={setPicked} />
    </Dialog>
  );
}
