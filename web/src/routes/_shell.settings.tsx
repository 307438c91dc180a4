import { createFileRoute, Outlet, useLocation } from "@tanstack/react-router";
import { SettingsFrame } from "../features/settings/SettingsFrame";

export const Route = createFileRoute("/_shell/settings")({ component: Page });

function Page() {
  const page = useLocation({ select: (l) => l.pathname });
  return (
    <SettingsFrame page={page}>
      <Outlet />
    </SettingsFrame>
  );
}
