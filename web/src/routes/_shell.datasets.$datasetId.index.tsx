import { createFileRoute, redirect } from "@tanstack/react-router";
import { datasetDetail } from "../features/knowledge/api";

/** The first page: documents, or the test where they are elsewhere. */
export const Route = createFileRoute("/_shell/datasets/$datasetId/")({
  beforeLoad: async ({ context, params }) => {
    const dataset = await context.queryClient.ensureQueryData(datasetDetail(params.datasetId));
    throw redirect({ to: dataset.provider === "external" ? "/datasets/$datasetId/hitTesting" : "/datasets/$datasetId/documents", params, replace: true });
  },
});
