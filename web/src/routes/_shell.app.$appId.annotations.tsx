import { useQuery } from "@tanstack/react-query";
import { createFileRoute, redirect, useNavigate } from "@tanstack/react-router";
import { z } from "zod";
import { appDetail } from "../data/apps";
import { rightsOf, workspace } from "../data/session";
import { AnnotationsPage } from "../features/annotations/AnnotationsPage";

export const Route = createFileRoute("/_shell/app/$appId/annotations")({
  validateSearch: z.object({ q: z.coerce.string().optional().catch(undefined) }),
  beforeLoad: async ({ context, params }) => {
    const [app, space] = await Promise.all([context.queryClient.ensureQueryData(appDetail(params.appId)), context.queryClient.ensureQueryData(workspace)]);
    if (!rightsOf(space.role).edit) throw redirect({ to: "/app/$appId/overview", params, replace: true });
    // A workflow answers nobody.
    if (app.mode === "workflow") throw redirect({ to: "/app/$appId/logs", params, replace: true });
  },
  component: Page,
});

function Page() {
  const { appId } = Route.useParams();
  const { q } = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  const app = useQuery(appDetail(appId)).data;
  return app ? (
    <AnnotationsPage key={appId} app={app} words={q ?? ""} onWords={(words) => void navigate({ search: { q: words || undefined }, replace: true })} />
  ) : null;
}
