// The studio alone on a server made of data: for measuring the canvas and for looking at it.
// ?nodes=200 makes a large graph, ?graph=kinds one of every kind, ?lang=zh-Hans and ?theme=dark what they say.
import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import i18next from "i18next";
import { StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { initReactI18next } from "react-i18next";
import en from "../../src/locales/en/studio.json";
import zh from "../../src/locales/zh-Hans/studio.json";
import { StudioBar } from "../../src/studio/bar/StudioBar";
import { Studio } from "../../src/studio/Studio";
import { setTransport } from "../../src/studio/transport";
import "../../src/ui/theme.css";
import "./page.css";
import { fakeServer } from "./fake";

const wish = new URLSearchParams(location.search);
document.documentElement.dataset.theme = wish.get("theme") ?? "light";
await i18next.use(initReactI18next).init({
  lng: wish.get("lang") ?? "en",
  fallbackLng: "en",
  ns: ["studio"],
  defaultNS: "studio",
  resources: { en: { studio: en }, "zh-Hans": { studio: zh } },
  interpolation: { escapeValue: false },
});
setTransport(fakeServer({ nodes: Number(wish.get("nodes") ?? 0), mode: wish.get("mode") ?? "workflow", graph: wish.get("graph") ?? "" }));
const client = new QueryClient({ defaultOptions: { queries: { retry: false, refetchOnWindowFocus: false } } });
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <Suspense fallback={null}>
          <div className="page">
            <header className="page-bar">
              <b>Returns triage</b>
              <StudioBar />
            </header>
            <Studio owner="/apps/demo" mode={wish.get("mode") === "advanced-chat" ? "advanced-chat" : "workflow"} />
          </div>
        </Suspense>
      </QueryClientProvider>
    </StrictMode>,
  );
}
