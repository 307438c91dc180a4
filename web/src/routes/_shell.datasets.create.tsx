import { createFileRoute, redirect, useNavigate } from "@tanstack/react-router";
import { rightsOf, workspace } from "../data/session";
import { CreatePage } from "../features/knowledge/CreatePage";

export const Route = createFileRoute("/_shell/datasets/create")({
  beforeLoad: async ({ context }) => {
    const { role } = await context.queryClient.ensureQueryData(workspace);
    if (!rightsOf(role).edit && role !== "dataset_operator") throw redirect({ to: "/datasets", replace: true });
  },
  component: Page,
});

function Page() {
  const navigate = useNavigate();
  return (
    <CreatePage
      dataset={undefined}
      onCancel={() => void navigate({ to: "/datasets" })}
      onDone={(datasetId) => void navigate({ to: "/datasets/$datasetId/documents", params: { datasetId } })}
      onTest={(datasetId) => void navigate({ to: "/datasets/$datasetId/hitTesting", params: { datasetId } })}
    />
  );
}
