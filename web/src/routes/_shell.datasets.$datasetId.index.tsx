import { createFileRoute, redirect } from "@tanstack/react-router";
import { rightsOf, workspace } from "../data/session";
import { datasetDetail } from "../features/knowledge/api";

/** The first page: documents, the test where they are elsewhere, the pipeline while nothing can be added yet. */
export const Route = createFileRoute("/_shell/datasets/$datasetId/")({
  beforeLoad: async ({ context, params }) => {
    const dataset = await context.queryClient.ensureQueryData(datasetDetail(params.datasetId));
    const { role } = await context.queryClient.ensureQueryData(workspace);
    if (rightsOf(role).edit && dataset.runtime_mode === "rag_pipeline" && dataset.is_published === false && dataset.pipeline_id) {
      throw redirect({ to: "/datasets/$datasetId/pipeline", params, replace: true });
    }
    throw redirect({ to: dataset.provider === "external" ? "/datasets/$datasetId/hitTesting" : "/datasets/$datasetId/documents", params, replace: true });
  },
});
