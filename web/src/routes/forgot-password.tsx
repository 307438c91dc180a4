import { createFileRoute, redirect, useNavigate } from "@tanstack/react-router";
import { z } from "zod";
import { setupState } from "../data/session";
import { Forgot } from "../features/session/Forgot";

export const Route = createFileRoute("/forgot-password")({
  // The token alone opens nothing: it goes with the code in the mail. In the address it outlives a reload.
  validateSearch: z.object({ email: z.string().optional().catch(undefined), token: z.string().optional().catch(undefined) }),
  beforeLoad: async () => {
    if ((await setupState()).step !== "finished") throw redirect({ to: "/install" });
  },
  component: Page,
});

function Page() {
  const { email = "", token = "" } = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  return (
    <Forgot email={email} token={token} onStep={(step) => void navigate({ search: { email: step.email, ...(step.token ? { token: step.token } : {}) } })} />
  );
}
