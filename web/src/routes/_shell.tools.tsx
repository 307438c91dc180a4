import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { z } from "zod";
import { WorkspaceBar } from "../features/shell/WorkspaceBar";
import { ToolsPage } from "../features/tools/ToolsPage";

export const Route = createFileRoute("/_shell/tools")({
  validateSearch: z.object({
    tab: z.enum(["builtin", "api", "workflow", "mcp"]).optional().catch(undefined),
    q: z.coerce.string().optional().catch(undefined),
    labels: z.string().optional().catch(undefined),
    open: z.string().optional().catch(undefined),
  }),
  component: Page,
});

function Page() {
  const search = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  return (
    <>
      <WorkspaceBar />
      <ToolsPage
        search={search}
        onSearch={(change) => void navigate({ search: (now) => ({ ...now, ...change }), replace: true })}
        onApps={() => void navigate({ to: "/apps", search: { mode: "workflow" } })}
        onApp={(appId) => void navigate({ to: "/app/$appId", params: { appId } })}
      />
    </>
  );
}
