import { useQuery } from "@tanstack/react-query";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { z } from "zod";
import { appDetail } from "../data/apps";
import { LogsPage } from "../features/logs/LogsPage";

const text = z.coerce.string().optional().catch(undefined);

export const Route = createFileRoute("/_shell/app/$appId/logs")({
  validateSearch: z.object({
    source: z.literal("test").optional().catch(undefined),
    status: text,
    days: z.number().optional().catch(undefined),
    q: text,
    page: z.number().int().min(1).optional().catch(undefined),
    run: text,
    conversation: text,
  }),
  component: Page,
});

function Page() {
  const { appId } = Route.useParams();
  const search = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  const app = useQuery(appDetail(appId)).data;
  return app ? (
    <LogsPage key={appId} app={app} search={search} onSearch={(change) => void navigate({ search: (now) => ({ ...now, ...change }), replace: true })} />
  ) : null;
}
