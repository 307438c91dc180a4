import { createFileRoute, redirect } from "@tanstack/react-router";
import { appDetail, isGraph } from "../data/apps";
import { ConfigurationPage } from "../features/basic/ConfigurationPage";
import { ModelPicker } from "../features/models/ModelPicker";

export const Route = createFileRoute("/_shell/app/$appId/configuration")({
  beforeLoad: async ({ context, params }) => {
    const app = await context.queryClient.fetchQuery({ ...appDetail(params.appId), staleTime: 0 });
    if (isGraph(app.mode)) throw redirect({ to: "/app/$appId/workflow", params, replace: true });
    return { app };
  },
  component: Page,
});

function Page() {
  const { app } = Route.useRouteContext();
  return <ConfigurationPage key={app.id} app={app} picker={(value, onChange) => <ModelPicker app={app.id} value={value} onChange={onChange} />} />;
}
