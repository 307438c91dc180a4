import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import "./ui/theme.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { onSignedOut } from "./lib/http";
import { startI18n } from "./lib/i18n";
import { queryClient } from "./lib/query";
import { watchSystemTheme } from "./lib/theme";
import { router } from "./router";
import { TipProvider } from "./ui/Tip";

watchSystemTheme();
onSignedOut((where) => {
  const here = window.location.pathname + window.location.search;
  if (where === "signin") void router.navigate({ to: "/signin", search: here.startsWith("/signin") ? {} : { redirect_url: here } });
  else void router.navigate({ to: "/install" });
});

const root = document.getElementById("root");
if (root) {
  await startI18n();
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <TipProvider>
          <Suspense fallback={null}>
            <RouterProvider router={router} />
          </Suspense>
        </TipProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
}
