import { useQuery } from "@tanstack/react-query";
import { createFileRoute, redirect, useNavigate } from "@tanstack/react-router";
import { rightsOf, useRights, workspace } from "../data/session";
import { datasetDetail } from "../features/knowledge/api";
import { AddPage } from "../features/pipelines/AddPage";

export const Route = createFileRoute("/_shell/datasets/$datasetId/documents/create-from-pipeline")({
  beforeLoad: async ({ context, params }) => {
    const { role } = await context.queryClient.ensureQueryData(workspace);
    if (!rightsOf(role).edit && role !== "dataset_operator") throw redirect({ to: "/datasets/$datasetId/documents", params, replace: true });
    const dataset = await context.queryClient.ensureQueryData(datasetDetail(params.datasetId));
    if (dataset.runtime_mode !== "rag_pipeline" || !dataset.pipeline_id) throw redirect({ to: "/datasets/$datasetId/documents", params, replace: true });
  },
  component: Page,
});

function Page() {
  const { datasetId } = Route.useParams();
  const navigate = useNavigate();
  const dataset = useQuery(datasetDetail(datasetId)).data;
  const params = { datasetId };
  const build = useRights().edit;
  return dataset ? (
    <AddPage
      key={datasetId}
      dataset={dataset}
      onCancel={() => void navigate({ to: "/datasets/$datasetId/documents", params })}
      onDone={() => void navigate({ to: "/datasets/$datasetId/documents", params })}
      onTest={() => void navigate({ to: "/datasets/$datasetId/hitTesting", params })}
      onPipeline={build ? () => void navigate({ to: "/datasets/$datasetId/pipeline", params }) : undefined}
    />
  ) : null;
}
