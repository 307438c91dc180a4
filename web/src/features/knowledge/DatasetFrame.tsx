/** The bar of a knowledge base: where it is, its parts, and what the open part puts at the right. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ChevronDown, ChevronRight } from "lucide-react";
import { type ReactNode, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { useRights } from "../../data/session";
import { useFormat } from "../../lib/format";
import { useKeys } from "../../lib/keys";
import { BarSlot } from "../../ui/BarEnd";
import { Button } from "../../ui/Button";
import { Menu } from "../../ui/Menu";
import { allDatasets, relatedApps } from "./api";
import { DatasetTile } from "./DatasetTile";
import { IndexNotice } from "./IndexNotice";
import { useKnowledgeRights } from "./rights";
import "./knowledge.css";
import type { Dataset } from "./types";

export function DatasetFrame({ dataset, children }: { dataset: Dataset; children: ReactNode }) {
  const { t } = useTranslation("knowledge");
  const navigate = useNavigate();
  const edit = useKnowledgeRights();
  const build = useRights().edit;
  const format = useFormat();
  const others = useQuery(allDatasets).data?.data ?? [];
  const apps = useQuery({ ...relatedApps(dataset.id), enabled: dataset.app_count > 0 }).data?.data ?? [];
  const params = { datasetId: dataset.id };
  const external = dataset.provider === "external";
  const pipeline = dataset.runtime_mode === "rag_pipeline" && Boolean(dataset.pipeline_id);
  const tabs = [
    ...(external ? [] : [{ key: "documents", to: "/datasets/$datasetId/documents" as const }]),
    ...(pipeline && build ? [{ key: "pipeline", to: "/datasets/$datasetId/pipeline" as const }] : []),
    { key: "retrieval", to: "/datasets/$datasetId/hitTesting" as const },
    ...(external ? [] : [{ key: "evaluation", to: "/datasets/$datasetId/evaluation" as const }]),
    ...(external || !edit ? [] : [{ key: "metadata", to: "/datasets/$datasetId/metadata" as const }]),
    ...(edit ? [{ key: "settings", to: "/datasets/$datasetId/settings" as const }] : []),
    ...(edit && !external ? [{ key: "api", to: "/datasets/$datasetId/api" as const }] : []),
  ];
  useKeys(Object.fromEntries(tabs.map((tab, i) => [`alt+${i + 1}`, () => void navigate({ to: tab.to, params })])));
  return (
    <>
      <header className="bar">
        <nav className="flex items-center gap-1.5 text-ink-3 whitespace-nowrap min-w-0" aria-label={t("crumb.label")}>
          <Link to="/datasets" className="crumb-root hover:text-ink-1">
            {t("list.title")}
          </Link>
          <ChevronRight size={12} strokeWidth={2} className="crumb-root" aria-hidden />
          <Menu
            align="start"
            entries={[
              ...others.slice(0, 12).map((other) => ({
                key: other.id,
                label: other.name,
                checked: other.id === dataset.id,
                onSelect: () => void navigate({ to: "/datasets/$datasetId", params: { datasetId: other.id } }),
              })),
              { key: "line", line: true as const },
              { key: "all", label: t("crumb.all"), onSelect: () => void navigate({ to: "/datasets" }) },
            ]}
            trigger={
              <button type="button" className="btn min-w-0" data-kind="quiet" style={{ padding: "0 6px", color: "var(--text-1)", flex: "0 1 auto" }}>
                <DatasetTile dataset={dataset} size="xs" />
                <span className="font-semibold truncate" style={{ maxWidth: 240, lineHeight: "18px" }}>
                  {dataset.name}
                </span>
                <ChevronDown size={14} strokeWidth={1.9} className="text-ink-3" aria-hidden />
              </button>
            }
          />
        </nav>
        <span className="bar-line w-px h-4 bg-line-1" aria-hidden />
        <nav className="tabs" aria-label={t("tabs.label")}>
          {tabs.map((tab) => (
            <Link
              key={tab.key}
              to={tab.to}
              params={params}
              className="tab"
              activeOptions={{ exact: false, includeSearch: false }}
              activeProps={{ "aria-current": "page" }}
            >
              {t(`tabs.${tab.key}`)}
              {tab.key === "documents" ? <span className="text-11 text-ink-3 num font-regular">{format.number(dataset.document_count)}</span> : null}
            </Link>
          ))}
        </nav>
        <div className="flex-1" />
        {dataset.app_count > 0 ? (
          <Menu
            trigger={
              <Button kind="quiet" className="max-lg:hidden">
                {t("usedBy.open", { count: dataset.app_count })}
              </Button>
            }
            entries={apps.map((app) => ({ key: app.id, label: app.name, onSelect: () => void navigate({ to: "/app/$appId", params: { appId: app.id } }) }))}
          />
        ) : null}
        <BarSlot />
      </header>
      {external ? null : <IndexNotice datasetId={dataset.id} />}
      <Suspense fallback={<div className="flex-1" aria-busy="true" />}>{children}</Suspense>
    </>
  );
}
