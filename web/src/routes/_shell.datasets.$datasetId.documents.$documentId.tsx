import { useQuery } from "@tanstack/react-query";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { z } from "zod";
import { datasetDetail } from "../features/knowledge/api";
import { ChunksPage } from "../features/knowledge/ChunksPage";

export const Route = createFileRoute("/_shell/datasets/$datasetId/documents/$documentId")({
  validateSearch: z.object({
    q: z.coerce.string().optional().catch(undefined),
    enabled: z.enum(["true", "false"]).optional().catch(undefined),
    page: z.number().int().min(1).optional().catch(undefined),
    chunk: z.string().optional().catch(undefined),
    side: z.enum(["facts", "test"]).optional().catch(undefined),
  }),
  component: Page,
});

function Page() {
  const { datasetId, documentId } = Route.useParams();
  const search = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  const dataset = useQuery(datasetDetail(datasetId)).data;
  return dataset ? (
    <ChunksPage
      dataset={dataset}
      documentId={documentId}
      search={search}
      onSearch={(change) => void navigate({ search: (now) => ({ ...now, ...change }), replace: true })}
      onAgain={
        dataset.runtime_mode === "rag_pipeline" && dataset.pipeline_id
          ? () => void navigate({ to: "/datasets/$datasetId/documents/$documentId/settings", params: { datasetId, documentId } })
          : undefined
      }
      onBack={() => void navigate({ to: "/datasets/$datasetId/documents", params: { datasetId } })}
      onChunk={(document, chunk) =>
        void navigate({
          to: "/datasets/$datasetId/documents/$documentId",
          params: { datasetId, documentId: document },
          search: (now) => ({ side: now.side, chunk }),
        })
      }
    />
  ) : null;
}
