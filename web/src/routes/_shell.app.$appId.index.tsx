import { createFileRoute, redirect } from "@tanstack/react-router";
import { appDetail, isGraph } from "../data/apps";
import { rightsOf, workspace } from "../data/session";

/** The right first page for the kind of app and for what the member may do. */
export const Route = createFileRoute("/_shell/app/$appId/")({
  beforeLoad: async ({ context, params }) => {
    const [app, space] = await Promise.all([context.queryClient.ensureQueryData(appDetail(params.appId)), context.queryClient.ensureQueryData(workspace)]);
    if (!rightsOf(space.role).edit) throw redirect({ to: "/app/$appId/overview", params, replace: true });
    throw redirect({ to: isGraph(app.mode) ? "/app/$appId/workflow" : "/app/$appId/configuration", params, replace: true });
  },
});
