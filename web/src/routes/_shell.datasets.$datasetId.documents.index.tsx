import { useQuery } from "@tanstack/react-query";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { z } from "zod";
import { useRights } from "../data/session";
import { datasetDetail } from "../features/knowledge/api";
import { DocumentsPage } from "../features/knowledge/DocumentsPage";
import { SORTS } from "../features/knowledge/sorts";

export const Route = createFileRoute("/_shell/datasets/$datasetId/documents/")({
  validateSearch: z.object({
    q: z.coerce.string().optional().catch(undefined),
    status: z.enum(["queuing", "indexing", "paused", "error", "available", "disabled", "archived"]).optional().catch(undefined),
    sort: z.enum(SORTS).optional().catch(undefined),
    page: z.number().int().min(1).optional().catch(undefined),
  }),
  component: Page,
});

function Page() {
  const { datasetId } = Route.useParams();
  const search = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  const dataset = useQuery(datasetDetail(datasetId)).data;
  const params = { datasetId };
  const build = useRights().edit;
  const pipeline = dataset?.runtime_mode === "rag_pipeline" && Boolean(dataset.pipeline_id);
  return dataset ? (
    <DocumentsPage
      key={datasetId}
      dataset={dataset}
      search={search}
      onSearch={(change) => void navigate({ search: (now) => ({ ...now, ...change }), replace: true })}
      onOpen={(documentId) => void navigate({ to: "/datasets/$datasetId/documents/$documentId", params: { datasetId, documentId } })}
      onAdd={() => void navigate({ to: pipeline ? "/datasets/$datasetId/documents/create-from-pipeline" : "/datasets/$datasetId/documents/create", params })}
      onTest={() => void navigate({ to: "/datasets/$datasetId/hitTesting", params })}
      {...(pipeline
        ? {
            ...(build ? { onPipeline: () => void navigate({ to: "/datasets/$datasetId/pipeline", params }) } : {}),
            onAgain: (documentId: string) => void navigate({ to: "/datasets/$datasetId/documents/$documentId/settings", params: { datasetId, documentId } }),
          }
        : {})}
    />
  ) : null;
}
