import { createFileRoute, redirect, useRouter } from "@tanstack/react-router";
import { initState, setupState } from "../data/session";
import { Init } from "../features/session/Init";
import { Setup } from "../features/session/Setup";

export const Route = createFileRoute("/install")({
  loader: async () => {
    if ((await setupState()).step === "finished") throw redirect({ to: "/signin" });
    return initState();
  },
  component: Install,
});

function Install() {
  const { status } = Route.useLoaderData();
  const router = useRouter();
  return status === "not_started" ? <Init onDone={() => void router.invalidate()} /> : <Setup />;
}
