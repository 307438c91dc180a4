import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  plugins: [react(), tailwindcss()],
  build: { target: "esnext", outDir: process.env.CANVAS_OUT ?? "../../node_modules/.canvas-page", emptyOutDir: true },
});
