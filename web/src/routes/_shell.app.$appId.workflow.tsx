import { createFileRoute, redirect, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useCallback } from "react";
import { z } from "zod";
import { appDetail, isGraph } from "../data/apps";
import { BarEnd } from "../ui/BarEnd";

const Studio = lazy(() => import("../studio/page").then((m) => ({ default: m.StudioPage })));
const StudioBar = lazy(() => import("../studio/page").then((m) => ({ default: m.StudioBar })));

export const Route = createFileRoute("/_shell/app/$appId/workflow")({
  validateSearch: z.object({ node: z.coerce.string().optional().catch(undefined), run: z.string().optional().catch(undefined) }),
  beforeLoad: async ({ context, params }) => {
    const app = await context.queryClient.ensureQueryData(appDetail(params.appId));
    if (!isGraph(app.mode)) throw redirect({ to: "/app/$appId/configuration", params, replace: true });
    return { app };
  },
  component: Page,
});

function Page() {
  const { appId } = Route.useParams();
  const { app } = Route.useRouteContext();
  const { node, run } = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  const onNode = useCallback((id: string | undefined) => void navigate({ search: { node: id }, replace: true }), [navigate]);
  return (
    <Suspense fallback={null}>
      <BarEnd>
        <StudioBar />
      </BarEnd>
      <Studio
        appId={appId}
        mode={app.mode === "workflow" ? "workflow" : "advanced-chat"}
        {...(node ? { node } : {})}
        {...(run ? { run } : {})}
        onNode={onNode}
      />
    </Suspense>
  );
}
