import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { appDetail } from "../data/apps";
import { PublishPage } from "../features/publish/PublishPage";

export const Route = createFileRoute("/_shell/app/$appId/overview")({ component: Page });

function Page() {
  const { appId } = Route.useParams();
  const app = useQuery(appDetail(appId)).data;
  return app ? <PublishPage key={appId} app={app} /> : null;
}
