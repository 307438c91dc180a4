/** The settings that are to be compared. */
import { Play, Plus, SlidersHorizontal, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "../../ui/Button";
import { Input } from "../../ui/Input";
import { Popover } from "../../ui/Menu";
import { MAX_SETTINGS, nextSetting, type Setting } from "./evaluation";
import { RetrievalForm } from "./RetrievalForm";
import { lacksModel, retrievalOf, wireRetrieval } from "./retrieval";
import type { Dataset, RetrievalModel } from "./types";
import { embeddingOf } from "./useTest";

interface Row {
  readonly key: number;
  readonly name: string;
  readonly model: RetrievalModel;
}

interface Props {
  readonly dataset: Dataset;
  /** Questions that would be asked. */
  readonly known: number;
  readonly busy: boolean;
  readonly onStart: (settings: readonly Setting[]) => void;
}

export function EvaluationSettings({ dataset, known, busy, onStart }: Props) {
  const { t } = useTranslation("knowledge");
  const technique = dataset.indexing_technique ?? "high_quality";
  const embedding = embeddingOf(dataset);
  const [rows, setRows] = useState<readonly Row[]>(() => [{ key: 0, name: "", model: retrievalOf(dataset) }]);
  const change = (key: number, fields: Partial<Row>) => setRows(rows.map((row) => (row.key === key ? { ...row, ...fields } : row)));
  const nameOf = (row: Row) => (row.key === 0 ? t("evaluation.own") : about(row.model));
  const about = (model: RetrievalModel) => `${t(`retrieval.methods.${model.search_method}`)}, ${t("test.top", { count: model.top_k })}`;
  const add = () => {
    const model = nextSetting(
      dataset,
      rows.map((row) => row.model),
    );
    setRows([...rows, { key: Math.max(...rows.map((row) => row.key)) + 1, name: "", model }]);
  };
  const start = () =>
    onStart(
      rows.map((row) => ({
        name: row.name.trim() || nameOf(row),
        retrieval_model: wireRetrieval(technique === "economy" ? { ...row.model, search_method: "keyword_search" } : row.model, embedding),
      })),
    );
  return (
    <section className="card p-3 flex flex-col gap-3" aria-label={t("evaluation.compare")}>
      <h2 className="font-semibold">{t("evaluation.compare")}</h2>
      <ul className="flex flex-col gap-2">
        {rows.map((row, index) => (
          <li key={row.key} className="flex items-center gap-2 flex-wrap">
            <div className="flex-1 min-w-[160px]">
              <Input
                aria-label={t("evaluation.settingName", { number: index + 1 })}
                placeholder={nameOf(row)}
                value={row.name}
                maxLength={60}
                onChange={(event) => change(row.key, { name: event.target.value })}
              />
            </div>
            <Popover
              label={t("evaluation.settingOf", { name: row.name || nameOf(row) })}
              align="end"
              className="w-[360px] max-w-[calc(100vw-24px)] p-4"
              trigger={
                <Button icon={SlidersHorizontal} aria-label={`${t("evaluation.settingOf", { name: row.name || nameOf(row) })}: ${about(row.model)}`}>
                  {about(row.model)}
                </Button>
              }
            >
              <div className="p-3">
                <RetrievalForm value={row.model} technique={technique} embedding={embedding} onChange={(model) => change(row.key, { model })} />
              </div>
            </Popover>
            {rows.length > 1 ? (
              <IconButton
                icon={X}
                label={t("evaluation.removeSetting", { name: row.name || nameOf(row) })}
                onClick={() => setRows(rows.filter((other) => other !== row))}
              />
            ) : null}
          </li>
        ))}
      </ul>
      <div className="flex items-center gap-2 flex-wrap">
        <Button icon={Plus} disabled={rows.length >= MAX_SETTINGS} onClick={add}>
          {t("evaluation.addSetting")}
        </Button>
        <span className="flex-1" />
        <Button kind="primary" icon={Play} busy={busy} disabled={known === 0 || rows.some((row) => lacksModel(row.model))} onClick={start}>
          {t("evaluation.start", { count: known })}
        </Button>
      </div>
    </section>
  );
}
