import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { afterEach, vi } from "vitest";

const files = import.meta.glob<Record<string, unknown>>("../locales/*/*.json", { eager: true, import: "default" });
const resources: Record<string, Record<string, Record<string, unknown>>> = {};
for (const [path, texts] of Object.entries(files)) {
  const [, language = "", area = ""] = /locales\/([^/]+)\/(.+)\.json$/.exec(path) ?? [];
  resources[language] = { ...resources[language], [area]: texts };
}
await i18next.use(initReactI18next).init({ lng: "en", fallbackLng: "en", resources, defaultNS: "shell", interpolation: { escapeValue: false } });

// Machines that do much besides take longer than a second.
configure({ asyncUtilTimeout: 5_000 });
afterEach(cleanup);
// Files share a DOM: each begins with nothing kept.
localStorage.clear();
sessionStorage.clear();

Object.defineProperty(window, "matchMedia", {
  writable: true,
  value: (query: string) => ({ matches: false, media: query, addEventListener: vi.fn(), removeEventListener: vi.fn() }),
});
Object.defineProperty(window, "ResizeObserver", {
  writable: true,
  value: class {
    observe() {}
    unobserve() {}
    disconnect() {}
  },
});
Element.prototype.scrollIntoView = vi.fn();
Element.prototype.hasPointerCapture = vi.fn(() => false);
// jsdom knows the element but not how it opens.
HTMLDialogElement.prototype.showModal = function showModal() {
  this.open = true;
};
HTMLDialogElement.prototype.close = function close() {
  this.open = false;
};
