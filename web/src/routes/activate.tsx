import { createFileRoute } from "@tanstack/react-router";
import { z } from "zod";
import { Activate } from "../features/session/Activate";

export const Route = createFileRoute("/activate")({
  validateSearch: z.object({ token: z.coerce.string().catch(""), email: z.string().optional().catch(undefined) }),
  component: Page,
});

function Page() {
  const { token, email } = Route.useSearch();
  return <Activate token={token} email={email} onDone={() => window.location.assign("/apps")} />;
}
