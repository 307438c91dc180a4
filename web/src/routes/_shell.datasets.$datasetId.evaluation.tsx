import { useQuery } from "@tanstack/react-query";
import { createFileRoute, redirect, useNavigate } from "@tanstack/react-router";
import { z } from "zod";
import { datasetDetail } from "../features/knowledge/api";
import { EvaluationPage } from "../features/knowledge/EvaluationPage";
import { WHICH } from "../features/knowledge/evaluation";

export const Route = createFileRoute("/_shell/datasets/$datasetId/evaluation")({
  validateSearch: z.object({
    view: z.enum(["questions", "results"]).optional().catch(undefined),
    q: z.string().optional().catch(undefined),
    page: z.number().int().min(1).optional().catch(undefined),
    run: z.string().optional().catch(undefined),
    which: z.enum(WHICH).optional().catch(undefined),
  }),
  beforeLoad: async ({ context, params }) => {
    const dataset = await context.queryClient.ensureQueryData(datasetDetail(params.datasetId));
    if (dataset.provider === "external") throw redirect({ to: "/datasets/$datasetId/hitTesting", params, replace: true });
  },
  component: Page,
});

function Page() {
  const { datasetId } = Route.useParams();
  const search = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  const dataset = useQuery(datasetDetail(datasetId)).data;
  return dataset ? (
    <EvaluationPage
      key={datasetId}
      dataset={dataset}
      search={search}
      onSearch={(next) => void navigate({ search: next, replace: true })}
      onTest={(question) => void navigate({ to: "/datasets/$datasetId/hitTesting", params: { datasetId }, search: { q: question } })}
      onOpen={(documentId, segmentId) =>
        void navigate({
          to: "/datasets/$datasetId/documents/$documentId",
          params: { datasetId, documentId },
          search: segmentId ? { chunk: segmentId } : {},
        })
      }
    />
  ) : null;
}
