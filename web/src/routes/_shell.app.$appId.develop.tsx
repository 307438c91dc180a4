import { useSuspenseQuery } from "@tanstack/react-query";
import { createFileRoute, redirect } from "@tanstack/react-router";
import { appDetail } from "../data/apps";
import { rightsOf, workspace } from "../data/session";
import { AccessPage } from "../features/access/AccessPage";

export const Route = createFileRoute("/_shell/app/$appId/develop")({
  beforeLoad: async ({ context, params }) => {
    const space = await context.queryClient.ensureQueryData(workspace);
    if (!rightsOf(space.role).edit) throw redirect({ to: "/app/$appId/overview", params, replace: true });
  },
  component: Page,
});

function Page() {
  const { appId } = Route.useParams();
  const { data: app } = useSuspenseQuery(appDetail(appId));
  return <AccessPage key={appId} app={app} />;
}
