import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, Outlet } from "@tanstack/react-router";
import { Toaster } from "sonner";
import { NotFound } from "../features/shell/NotFound";
import { PageFailed } from "../features/shell/PageFailed";
import { useTheme } from "../lib/theme";

export const Route = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Root,
  notFoundComponent: NotFound,
  errorComponent: ({ error, reset }) => <PageFailed error={error} onRetry={reset} />,
});

function Root() {
  const theme = useTheme();
  return (
    <>
      <Outlet />
      <Toaster
        position="bottom-left"
        offset={{ left: 236, bottom: 20 }}
        mobileOffset={{ bottom: 68 }}
        theme={theme}
        visibleToasts={3}
        duration={5000}
        toastOptions={{ className: "toast", unstyled: true, classNames: { toast: "toast", actionButton: "link", title: "flex-1" } }}
      />
    </>
  );
}
