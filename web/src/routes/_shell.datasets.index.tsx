import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { z } from "zod";
import { DatasetsPage } from "../features/knowledge/DatasetsPage";
import { WorkspaceBar } from "../features/shell/WorkspaceBar";

export const Route = createFileRoute("/_shell/datasets/")({
  validateSearch: z.object({
    q: z.coerce.string().optional().catch(undefined),
    tags: z.string().optional().catch(undefined),
    all: z.boolean().optional().catch(undefined),
  }),
  component: Page,
});

function Page() {
  const search = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  return (
    <>
      <WorkspaceBar />
      <DatasetsPage
        search={search}
        onSearch={(change) => void navigate({ search: (now) => ({ ...now, ...change }), replace: true })}
        onOpen={(datasetId) => void navigate({ to: "/datasets/$datasetId", params: { datasetId } })}
        onSettings={(datasetId) => void navigate({ to: "/datasets/$datasetId/settings", params: { datasetId } })}
        onCreate={() => void navigate({ to: "/datasets/create" })}
        onFromPipeline={() => void navigate({ to: "/datasets/create-from-pipeline" })}
        onPipeline={(datasetId) => void navigate({ to: "/datasets/$datasetId/pipeline", params: { datasetId } })}
      />
    </>
  );
}
