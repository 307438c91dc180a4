import { createFileRoute, redirect } from "@tanstack/react-router";
import { z } from "zod";
import { setupState, useForget } from "../data/session";
import { Signin } from "../features/session/Signin";

const search = z.object({
  redirect_url: z.string().optional().catch(undefined),
  email: z.string().optional().catch(undefined),
  invite_token: z.string().optional().catch(undefined),
});

export const Route = createFileRoute("/signin")({
  validateSearch: search,
  beforeLoad: async () => {
    if ((await setupState()).step !== "finished") throw redirect({ to: "/install" });
  },
  component: Page,
});

/** Only addresses of this origin: a link must not lead a signed-in person elsewhere. */
function safe(target: string | undefined): string {
  return target?.startsWith("/") && !target.startsWith("//") && !target.startsWith("/\\") ? target : "/apps";
}

function Page() {
  const { redirect_url, email, invite_token } = Route.useSearch();
  const forget = useForget();
  return (
    <Signin
      email={email}
      inviteToken={invite_token}
      onDone={() => {
        forget();
        window.location.assign(safe(redirect_url));
      }}
    />
  );
}
