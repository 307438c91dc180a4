import { createFileRoute } from "@tanstack/react-router";
import { InstalledAppPage } from "../features/explore/InstalledAppPage";

export const Route = createFileRoute("/_shell/explore/installed/$installedId")({ component: Page });

function Page() {
  const { installedId } = Route.useParams();
  return <InstalledAppPage key={installedId} id={installedId} />;
}
