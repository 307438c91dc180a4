import { useSuspenseQuery } from "@tanstack/react-query";
import { createFileRoute, redirect, useNavigate } from "@tanstack/react-router";
import { useCallback } from "react";
import { appDetail } from "../data/apps";
import { rightsOf, workspace } from "../data/session";
import { LogsPage } from "../features/logs/LogsPage";
import type { OnSearch } from "../features/logs/list";
import { logsSearch } from "../features/logs/search";

export const Route = createFileRoute("/_shell/app/$appId/logs")({
  validateSearch: logsSearch,
  beforeLoad: async ({ context, params }) => {
    const space = await context.queryClient.ensureQueryData(workspace);
    if (!rightsOf(space.role).edit) throw redirect({ to: "/app/$appId/overview", params, replace: true });
  },
  component: Page,
});

function Page() {
  const { appId } = Route.useParams();
  const { data: app } = useSuspenseQuery(appDetail(appId));
  const search = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  const onSearch = useCallback<OnSearch>(
    (change, replace) => void navigate({ search: (now) => ({ ...now, ...change }), replace: replace ?? false }),
    [navigate],
  );
  return <LogsPage key={appId} app={app} search={search} onSearch={onSearch} />;
}
