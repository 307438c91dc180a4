import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import { tanstackRouter } from "@tanstack/router-plugin/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type ViteDevServer } from "vite";

const SERVER = process.env.OXIDIFY_SERVER ?? "http://localhost:5001";
/** The paths that belong to the server; every other one is the UI. */
const PREFIXES = [
  "console/api",
  "v1",
  "api",
  "files",
  "mcp",
  "triggers",
  "e",
  "inner",
  "openapi",
  "gateway",
  "graphql",
  "socket.io",
  "openapi.json",
  "health",
  "metrics",
];
const PUBLISHED = /^\/(chat|chatbot|completion|workflow|form|installed|trial)(\/|$)/;

/** In development as in the server: published apps have a page of their own. */
const publishedPages = {
  name: "published-pages",
  configureServer(server: ViteDevServer) {
    server.middlewares.use((request, _response, next) => {
      if (request.url && PUBLISHED.test(request.url)) request.url = "/chat.html";
      next();
    });
  },
};

export default defineConfig({
  plugins: [tanstackRouter({ target: "react", autoCodeSplitting: true, quoteStyle: "double", semicolons: true }), react(), tailwindcss(), publishedPages],
  build: {
    target: "es2023",
    manifest: true,
    rollupOptions: {
      // The bubble of other sites has an address of its own, for ever.
      output: { entryFileNames: (chunk) => (chunk.name === "embed" ? "embed.min.js" : "assets/[name]-[hash].js") },
      input: {
        studio: fileURLToPath(new URL("./index.html", import.meta.url)),
        embed: fileURLToPath(new URL("./src/embed/embed.ts", import.meta.url)),
        ...(existsSync(new URL("./src/webapp/main.tsx", import.meta.url)) ? { chat: fileURLToPath(new URL("./chat.html", import.meta.url)) } : {}),
      },
    },
  },
  server: {
    port: 5173,
    proxy: Object.fromEntries(
      PREFIXES.map((prefix) => [`^/${prefix.replaceAll(".", "\\.")}(/|\\?|$)`, { target: SERVER, changeOrigin: false, ws: prefix === "socket.io" }]),
    ),
  },
});
