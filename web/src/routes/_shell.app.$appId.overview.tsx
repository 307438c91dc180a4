import { useSuspenseQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { appDetail } from "../data/apps";
import { OverviewPage } from "../features/publish/OverviewPage";

export const Route = createFileRoute("/_shell/app/$appId/overview")({ component: Page });

function Page() {
  const { appId } = Route.useParams();
  const { data: app } = useSuspenseQuery(appDetail(appId));
  return <OverviewPage key={appId} app={app} />;
}
