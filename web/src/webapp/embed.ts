/** In a page's bubble: the frame says it is ready and may be made larger by the page around it. */
import { useEffect, useState } from "react";
import { record } from "../lib/read";

/** The page around the frame, as far as the browser tells. */
function parentOrigin(): string | null {
  try {
    return document.referrer ? new URL(document.referrer).origin : null;
  } catch {
    return null;
  }
}

export function useFrame(): { readonly canGrow: boolean; readonly grow: () => void } {
  const [canGrow, setCanGrow] = useState(false);
  useEffect(() => {
    if (window.parent === window) return;
    const origin = parentOrigin();
    const listen = (event: MessageEvent<unknown>): void => {
      if (event.source !== window.parent || (origin !== null && event.origin !== origin)) return;
      const message = record(event.data);
      if (message.type === "dify-chatbot-config") setCanGrow(record(message.payload).isToggledByButton === true);
    };
    window.addEventListener("message", listen);
    window.parent.postMessage({ type: "dify-chatbot-iframe-ready" }, origin ?? "*");
    return () => window.removeEventListener("message", listen);
  }, []);
  return { canGrow, grow: () => window.parent.postMessage({ type: "dify-chatbot-expand-change" }, parentOrigin() ?? "*") };
}
