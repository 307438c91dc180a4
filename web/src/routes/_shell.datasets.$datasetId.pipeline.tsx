import { useQuery } from "@tanstack/react-query";
import { createFileRoute, redirect, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useCallback } from "react";
import { z } from "zod";
import { rightsOf, workspace } from "../data/session";
import { datasetDetail } from "../features/knowledge/api";
import { BarEnd } from "../ui/BarEnd";

const Studio = lazy(() => import("../studio/page").then((m) => ({ default: m.PipelinePage })));
const StudioBar = lazy(() => import("../studio/page").then((m) => ({ default: m.StudioBar })));

export const Route = createFileRoute("/_shell/datasets/$datasetId/pipeline")({
  validateSearch: z.object({ node: z.coerce.string().optional().catch(undefined), run: z.string().optional().catch(undefined) }),
  beforeLoad: async ({ context, params }) => {
    const { role } = await context.queryClient.ensureQueryData(workspace);
    if (!rightsOf(role).edit) throw redirect({ to: "/datasets/$datasetId/documents", params, replace: true });
    const dataset = await context.queryClient.ensureQueryData(datasetDetail(params.datasetId));
    if (dataset.runtime_mode !== "rag_pipeline" || !dataset.pipeline_id) throw redirect({ to: "/datasets/$datasetId/documents", params, replace: true });
  },
  component: Page,
});

function Page() {
  const { datasetId } = Route.useParams();
  const { node, run } = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  const dataset = useQuery(datasetDetail(datasetId)).data;
  const onNode = useCallback((id: string | undefined) => void navigate({ search: { node: id }, replace: true }), [navigate]);
  const onAdd = useCallback(
    () => void navigate({ to: "/datasets/$datasetId/documents/create-from-pipeline", params: { datasetId }, search: {} }),
    [navigate, datasetId],
  );
  if (!dataset?.pipeline_id) return null;
  return (
    <Suspense fallback={null}>
      <BarEnd>
        <StudioBar pipeline={{ name: dataset.name, onAdd }} />
      </BarEnd>
      <Studio pipelineId={dataset.pipeline_id} {...(node ? { node } : {})} {...(run ? { run } : {})} onNode={onNode} />
    </Suspense>
  );
}
