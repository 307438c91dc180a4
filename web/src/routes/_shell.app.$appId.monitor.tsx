import { useQuery } from "@tanstack/react-query";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { appDetail } from "../data/apps";
import { MonitorPage } from "../features/monitor/MonitorPage";
import { monitorSearch } from "../features/monitor/span";

export const Route = createFileRoute("/_shell/app/$appId/monitor")({ validateSearch: monitorSearch, component: Page });

function Page() {
  const { appId } = Route.useParams();
  const app = useQuery(appDetail(appId)).data;
  const search = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  if (!app) return null;
  return (
    <MonitorPage
      key={appId}
      app={app}
      search={search}
      onSearch={(next) => void navigate({ search: next })}
      onLogs={({ since, until, failed }) =>
        void navigate({
          to: "/app/$appId/logs",
          params: { appId },
          search: { range: "all", since, until, ...(failed && app.mode === "workflow" ? { status: "failed" as const } : {}) },
        })
      }
    />
  );
}
