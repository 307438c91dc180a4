/** Choose among the knowledge bases of the workspace. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { LibraryBig } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Badge } from "../../ui/Marks";
import { Empty, SkeletonRows } from "../../ui/States";
import { Checkbox } from "../../ui/Switch";
import { datasetList } from "./api";
import { Filter } from "./DatasetsPage";
import { DatasetTile } from "./DatasetTile";
import type { Dataset } from "./types";

export function DatasetPicker({ value, onChange }: { value: readonly string[]; onChange: (ids: readonly string[]) => void }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const [q, setQ] = useState("");
  const list = useInfiniteQuery(datasetList({ q: q || undefined }));
  const rows = list.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <div className="flex flex-col gap-2">
      <div className="flex">
        <Filter wide value={q} onChange={setQ} />
      </div>
      {list.isPending ? (
        <SkeletonRows rows={3} height={40} slow={c("common.slow")} label={c("common.loading")} />
      ) : list.error ? (
        <div className="wrong" role="alert">
          {messageOf(list.error)}
        </div>
      ) : rows.length === 0 ? (
        <Empty icon={LibraryBig} cat="knowledge" title={t(q ? "list.noMatch" : "list.emptyTitle")}>
          {q ? null : (
            <a className="btn" href="/datasets/create" target="_blank" rel="noreferrer">
              {t("list.new")}
            </a>
          )}
        </Empty>
      ) : (
        <ul aria-label={t("list.title")}>
          {rows.map((dataset) => (
            <Row
              key={dataset.id}
              dataset={dataset}
              on={value.includes(dataset.id)}
              onChange={(on) => onChange(on ? [...value, dataset.id] : value.filter((id) => id !== dataset.id))}
            />
          ))}
        </ul>
      )}
      {list.hasNextPage ? (
        <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {c("common.more")}
        </Button>
      ) : null}
    </div>
  );
}

function Row({ dataset, on, onChange }: { dataset: Dataset; on: boolean; onChange: (on: boolean) => void }) {
  const { t } = useTranslation("knowledge");
  const id = useId();
  return (
    <li className="flex items-center gap-2.5 min-h-10">
      <Checkbox id={id} checked={on} onChange={onChange} />
      <DatasetTile dataset={dataset} />
      <label htmlFor={id} className="flex-1 truncate">
        {dataset.name}
      </label>
      {dataset.indexing_technique ? <Badge>{t(`techniques.${dataset.indexing_technique}`)}</Badge> : null}
      <span className="text-12 text-ink-3 num">{t("documents.count", { count: dataset.document_count })}</span>
    </li>
  );
}
