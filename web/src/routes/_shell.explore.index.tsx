import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { ExplorePage } from "../features/explore/ExplorePage";
import { WorkspaceBar } from "../features/shell/WorkspaceBar";
import { TemplateSection } from "../features/templates/TemplateSection";

export const Route = createFileRoute("/_shell/explore/")({ component: Page });

function Page() {
  const navigate = useNavigate();
  return (
    <>
      <WorkspaceBar />
      <ExplorePage templates={<TemplateSection onOpen={(id) => void navigate({ to: "/app/$appId", params: { appId: id } })} />} />
    </>
  );
}
