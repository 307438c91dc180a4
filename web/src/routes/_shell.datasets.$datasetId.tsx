import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Outlet } from "@tanstack/react-router";
import { datasetDetail } from "../features/knowledge/api";
import { DatasetFrame } from "../features/knowledge/DatasetFrame";
import { NotFound } from "../features/shell/NotFound";
import { PageFailed } from "../features/shell/PageFailed";
import { HttpError } from "../lib/http";

export const Route = createFileRoute("/_shell/datasets/$datasetId")({
  loader: ({ context, params }) => context.queryClient.ensureQueryData(datasetDetail(params.datasetId)),
  component: Page,
  errorComponent: ({ error, reset }) => (error instanceof HttpError && error.status === 404 ? <NotFound /> : <PageFailed error={error} onRetry={reset} />),
});

function Page() {
  const { datasetId } = Route.useParams();
  const { data: dataset } = useQuery(datasetDetail(datasetId));
  if (!dataset) return null;
  return (
    <DatasetFrame dataset={dataset}>
      <Outlet />
    </DatasetFrame>
  );
}
