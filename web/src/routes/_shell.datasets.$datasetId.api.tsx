import { useQuery } from "@tanstack/react-query";
import { createFileRoute, redirect } from "@tanstack/react-router";
import { rightsOf, workspace } from "../data/session";
import { datasetDetail } from "../features/knowledge/api";
import { KeysPage } from "../features/knowledge/KeysPage";

export const Route = createFileRoute("/_shell/datasets/$datasetId/api")({
  beforeLoad: async ({ context, params }) => {
    const { role } = await context.queryClient.ensureQueryData(workspace);
    if (!rightsOf(role).edit && role !== "dataset_operator") throw redirect({ to: "/datasets/$datasetId/documents", params, replace: true });
  },
  component: Page,
});

function Page() {
  const { datasetId } = Route.useParams();
  const dataset = useQuery(datasetDetail(datasetId)).data;
  return dataset ? <KeysPage key={datasetId} dataset={dataset} /> : null;
}
