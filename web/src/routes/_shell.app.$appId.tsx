import { useQuery } from "@tanstack/react-query";
import { createFileRoute, Outlet } from "@tanstack/react-router";
import { appDetail } from "../data/apps";
import { AppFrame } from "../features/shell/AppFrame";
import { NotFound } from "../features/shell/NotFound";
import { PageFailed } from "../features/shell/PageFailed";
import { HttpError } from "../lib/http";

export const Route = createFileRoute("/_shell/app/$appId")({
  loader: ({ context, params }) => context.queryClient.ensureQueryData(appDetail(params.appId)),
  component: Page,
  errorComponent: ({ error, reset }) => (error instanceof HttpError && error.status === 404 ? <NotFound /> : <PageFailed error={error} onRetry={reset} />),
});

function Page() {
  const { appId } = Route.useParams();
  const { data: app } = useQuery(appDetail(appId));
  if (!app) return null;
  return (
    <AppFrame app={app}>
      <Outlet />
    </AppFrame>
  );
}
