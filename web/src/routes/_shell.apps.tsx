import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { z } from "zod";
import { AppsPage } from "../features/apps/AppsPage";
import { WorkspaceBar } from "../features/shell/WorkspaceBar";
import { TemplateDialog } from "../features/templates/TemplateDialog";
import { MonthSpend } from "../features/usage/MonthSpend";

const mode = z.enum(["workflow", "advanced-chat", "chat", "agent-chat", "completion"]).optional().catch(undefined);

export const Route = createFileRoute("/_shell/apps")({
  validateSearch: z.object({
    mode,
    q: z.coerce.string().optional().catch(undefined),
    tags: z.string().optional().catch(undefined),
    mine: z.boolean().optional().catch(undefined),
    hours: z
      .union([z.literal(1), z.literal(24), z.literal(168)])
      .optional()
      .catch(undefined),
    view: z.literal("cards").optional().catch(undefined),
    dialog: z.enum(["create", "describe", "import", "template"]).optional().catch(undefined),
    kind: mode,
  }),
  component: Page,
});

function Page() {
  const search = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  return (
    <>
      <WorkspaceBar>
        <MonthSpend />
      </WorkspaceBar>
      <AppsPage
        search={search}
        templates={(onClose) => <TemplateDialog onClose={onClose} onOpen={(id) => void navigate({ to: "/app/$appId", params: { appId: id } })} />}
        onSearch={(change) => void navigate({ search: (now) => ({ ...now, ...change }), replace: !("dialog" in change) })}
        onModels={() => void navigate({ to: "/settings/models" })}
        onOpen={(id, newTab) => (newTab ? window.open(`/app/${id}`, "_blank", "noopener") : void navigate({ to: "/app/$appId", params: { appId: id } }))}
      />
    </>
  );
}
