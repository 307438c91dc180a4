import { createFileRoute } from "@tanstack/react-router";
import { ExplorePage } from "../features/explore/ExplorePage";
import { WorkspaceBar } from "../features/shell/WorkspaceBar";

export const Route = createFileRoute("/_shell/explore/")({ component: Page });

function Page() {
  return (
    <>
      <WorkspaceBar />
      <ExplorePage />
    </>
  );
}
