import { useQuery } from "@tanstack/react-query";
import { createFileRoute } from "@tanstack/react-router";
import { appDetail } from "../data/apps";
import { ApiPage } from "../features/access/ApiPage";

export const Route = createFileRoute("/_shell/app/$appId/develop")({ component: Page });

function Page() {
  const { appId } = Route.useParams();
  const app = useQuery(appDetail(appId)).data;
  return app ? <ApiPage key={appId} app={app} /> : null;
}
