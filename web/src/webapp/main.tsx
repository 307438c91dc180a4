import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import "../ui/tokens.css";
import "./styles/base.css";
import "./styles/chat.css";
import "./styles/markdown.css";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { readAddress } from "./address";
import { startTheme } from "./theme";
import { watchViewport } from "./useMedia";
import { chooseLanguage, loadLanguage } from "./words";

const address = await readAddress(window.location.pathname, window.location.search);
startTheme(address?.theme ?? null);
watchViewport();
// The site may ask for another language later; most often it is this one.
await loadLanguage(chooseLanguage(address?.locale ?? null, null));
const root = document.getElementById("root");
const token = /^\/form\/([\w.-]{1,256})\/?$/.exec(window.location.pathname)?.[1];
if (root && token) {
  const { default: FormPage } = await import("./FormPage");
  createRoot(root).render(<FormPage token={token} locale={new URLSearchParams(window.location.search).get("locale")} />);
} else if (root) createRoot(root).render(<App address={address} />);
