import { createFileRoute, Outlet, redirect } from "@tanstack/react-router";
import { profile, setupState, workspace } from "../data/session";
import { Shell } from "../features/shell/Shell";
import { HttpError } from "../lib/http";

export const Route = createFileRoute("/_shell")({
  beforeLoad: async ({ context, location }) => {
    try {
      await Promise.all([context.queryClient.ensureQueryData(profile), context.queryClient.ensureQueryData(workspace)]);
    } catch (error) {
      if (!(error instanceof HttpError) || error.status !== 401) throw error;
      const { step } = await setupState();
      throw step === "finished" ? redirect({ to: "/signin", search: { redirect_url: location.href } }) : redirect({ to: "/install" });
    }
  },
  component: () => (
    <Shell>
      <Outlet />
    </Shell>
  ),
});
