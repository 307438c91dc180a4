import { createFileRoute, redirect, useNavigate } from "@tanstack/react-router";
import { rightsOf, workspace } from "../data/session";
import { CreatePipelinePage } from "../features/pipelines/CreatePage";

export const Route = createFileRoute("/_shell/datasets/create-from-pipeline")({
  beforeLoad: async ({ context }) => {
    const { role } = await context.queryClient.ensureQueryData(workspace);
    if (!rightsOf(role).edit) throw redirect({ to: "/datasets", replace: true });
  },
  component: Page,
});

function Page() {
  const navigate = useNavigate();
  return <CreatePipelinePage onMade={(datasetId) => void navigate({ to: "/datasets/$datasetId/pipeline", params: { datasetId } })} />;
}
