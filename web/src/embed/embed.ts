/**
 * The chat bubble of other sites, served as `/embed.min.js`: reads `window.difyChatbotConfig`, adds a button and, behind
 * it, a frame with the chat. Compat: names of the configuration, elements, variables and messages are Dify's.
 */

interface Config {
  readonly token?: string;
  readonly baseUrl?: string;
  /** Compat: chose between two clouds of theirs. Without `baseUrl` the chat is where this script comes from. */
  readonly isDev?: boolean;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly systemVariables?: Readonly<Record<string, unknown>>;
  readonly userVariables?: Readonly<Record<string, unknown>>;
  readonly draggable?: boolean;
  readonly dragAxis?: "x" | "y" | "both";
  readonly containerProps?: Readonly<Record<string, unknown>>;
  readonly dynamicScript?: boolean;
}

declare global {
  interface Window {
    difyChatbotConfig?: Config;
  }
}

export {};

// One function: a plain script must not leave names behind in the page.
((script: HTMLOrSVGScriptElement | null): void => {
  const BUTTON = "dify-chatbot-bubble-button";
  const FRAME = "dify-chatbot-bubble-window";
  const LONGEST = 2048;
  const CLICK_SLOP = 4;
  const LEAST = 240;
  const own = (name: string, fallback: string): string => `var(--${BUTTON}-${name}, ${fallback})`;
  const SMALL = { width: "24rem", "max-width": "calc(100vw - 2rem)", height: "43.75rem", "min-width": "0" };
  const LARGE = { width: "48%", "max-width": "40rem", height: "88%", "min-width": "24rem" };
  const OPEN = '<path d="M21 11.5a8.4 8.4 0 0 1-12 7.6L3 21l1.9-6A8.4 8.4 0 1 1 21 11.5z"/>';
  const CLOSE = '<path d="m6 9 6 6 6-6"/>';

  const style = (element: HTMLElement, rules: Readonly<Record<string, string>>): void => {
    for (const [name, value] of Object.entries(rules)) element.style.setProperty(name, value);
  };

  /** Rules by the names of scripts (`backgroundColor`) or of style sheets (`background-color`, `--own`). */
  const dress = (element: HTMLElement, rules: object | null): void => {
    for (const [name, value] of Object.entries(rules ?? {})) {
      const known = name.startsWith("--") ? name : name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      element.style.setProperty(known, String(value));
    }
  };

  /** base64 of gzip, as the page reads it. */
  const packed = async (value: unknown): Promise<string> => {
    const stream = new Blob([String(value)]).stream().pipeThrough(new CompressionStream("gzip"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  };

  const addressOf = async (config: Config, base: string): Promise<string> => {
    const query = new URLSearchParams();
    const groups = [
      { prefix: "", values: config.inputs },
      { prefix: "sys.", values: config.systemVariables },
      { prefix: "user.", values: config.userVariables },
    ];
    for (const { prefix, values } of groups) {
      for (const [key, value] of Object.entries(values ?? {})) if (value !== undefined && value !== null) query.set(`${prefix}${key}`, await packed(value));
    }
    const text = query.toString();
    return `${base}/chatbot/${encodeURIComponent(config.token ?? "")}${text ? `?${text}` : ""}`;
  };

  const frameOf = (address: string): HTMLIFrameElement => {
    const frame = document.createElement("iframe");
    frame.id = FRAME;
    frame.src = address;
    frame.title = "Chat";
    frame.allow = "microphone; clipboard-write";
    style(frame, {
      ...SMALL,
      position: "fixed",
      display: "none",
      border: "none",
      "border-radius": "1rem",
      "box-shadow": "rgb(150 150 150 / .2) 0 10px 30px 0, rgb(150 150 150 / .2) 0 0 0 1px",
      overflow: "hidden",
      "z-index": "2147483640",
      "background-color": "#fff",
    });
    return frame;
  };

  const buttonOf = (config: Config): HTMLButtonElement => {
    const button = document.createElement("button");
    button.type = "button";
    button.id = BUTTON;
    style(button, {
      position: "fixed",
      bottom: own("bottom", "1rem"),
      right: own("right", "1rem"),
      left: own("left", "unset"),
      top: own("top", "unset"),
      width: own("width", "48px"),
      height: own("height", "48px"),
      "border-radius": own("border-radius", "25px"),
      "background-color": own("bg-color", "#155EEF"),
      "box-shadow": own("box-shadow", "rgb(0 0 0 / .2) 0 4px 8px 0"),
      border: "none",
      padding: "0",
      color: "#fff",
      cursor: "pointer",
      display: "flex",
      "align-items": "center",
      "justify-content": "center",
      "touch-action": config.draggable ? "none" : "manipulation",
      "z-index": "2147483647",
    });
    for (const [name, value] of Object.entries(config.containerProps ?? {})) {
      if (name === "className") button.className = String(value);
      else if (name === "style" && typeof value === "string") button.style.cssText = `${button.style.cssText} ${value}`;
      else if (name === "style" && typeof value === "object") dress(button, value);
      else if (typeof value === "function") button.addEventListener(name.replace(/^on/, "").toLowerCase(), (event) => Reflect.apply(value, button, [event]));
      else button.setAttribute(name, String(value));
    }
    return button;
  };

  /** The frame stands above the button, or below it where there is more room. */
  const place = (frame: HTMLIFrameElement, button: HTMLElement): void => {
    const box = button.getBoundingClientRect();
    const above = box.top > window.innerHeight - box.bottom;
    const right = box.left + box.width / 2 > window.innerWidth / 2;
    const room = above ? box.top : window.innerHeight - box.bottom;
    style(frame, {
      "max-height": `${Math.max(LEAST, room - 16)}px`,
      top: above ? "unset" : `${box.bottom + 8}px`,
      bottom: above ? `${window.innerHeight - box.top + 8}px` : "unset",
      left: right ? "unset" : `${Math.max(8, box.left)}px`,
      right: right ? `${Math.max(8, document.documentElement.clientWidth - box.right)}px` : "unset",
    });
  };

  /** True while the last press moved the button: then it was no click. */
  const draggable = (button: HTMLElement, axis: Config["dragAxis"], onMove: () => void): (() => boolean) => {
    let from: { x: number; y: number; left: number; top: number } | null = null;
    let moved = false;
    button.addEventListener("pointerdown", (event) => {
      const box = button.getBoundingClientRect();
      from = { x: event.clientX, y: event.clientY, left: box.left, top: box.top };
      moved = false;
      button.setPointerCapture(event.pointerId);
    });
    button.addEventListener("pointermove", (event) => {
      if (!from) return;
      const [x, y] = [event.clientX - from.x, event.clientY - from.y];
      if (!moved && Math.hypot(x, y) < CLICK_SLOP) return;
      moved = true;
      const within = (at: number, most: number): string => `${Math.min(Math.max(0, at), most)}px`;
      if (axis !== "y") style(button, { right: "unset", left: within(from.left + x, window.innerWidth - button.offsetWidth) });
      if (axis !== "x") style(button, { bottom: "unset", top: within(from.top + y, window.innerHeight - button.offsetHeight) });
      onMove();
    });
    const end = (): void => {
      from = null;
    };
    button.addEventListener("pointerup", end);
    button.addEventListener("pointercancel", end);
    return () => moved;
  };

  const begin = async (): Promise<void> => {
    const config = window.difyChatbotConfig;
    if (!config?.token) return console.error("difyChatbotConfig has no token: the chat is not shown.");
    if (document.getElementById(BUTTON)) return;
    const source = script instanceof HTMLScriptElement && script.src ? new URL(script.src).origin : window.location.origin;
    const base = (config.baseUrl || source).replace(/\/$/, "");
    const address = await addressOf(config, base);
    if (address.length > LONGEST)
      return console.error(`The address of the chat has ${address.length} characters; ${LONGEST} are the limit. Give it fewer or shorter inputs.`);

    const chinese = /^zh/i.test(document.documentElement.lang || navigator.language);
    const frame = frameOf(address);
    const button = buttonOf(config);
    let large = false;
    const isOpen = (): boolean => frame.style.display !== "none";
    const show = (open: boolean): void => {
      if (open) place(frame, button);
      frame.style.display = open ? "block" : "none";
      button.setAttribute("aria-expanded", String(open));
      button.setAttribute("aria-label", chinese ? (open ? "关闭聊天" : "打开聊天") : open ? "Close the chat" : "Open the chat");
      button.innerHTML = `<svg width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${open ? CLOSE : OPEN}</svg>`;
    };
    const wasDragged = config.draggable ? draggable(button, config.dragAxis ?? "both", () => isOpen() && place(frame, button)) : () => false;
    button.addEventListener("click", () => {
      if (!wasDragged()) show(!isOpen());
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && isOpen()) show(false);
    });
    window.addEventListener("resize", () => isOpen() && place(frame, button));
    window.addEventListener("message", (event: MessageEvent<unknown>) => {
      if (event.source !== frame.contentWindow || event.origin !== new URL(address).origin) return;
      const type: unknown = typeof event.data === "object" && event.data !== null ? Reflect.get(event.data, "type") : undefined;
      if (type === "dify-chatbot-iframe-ready") {
        const payload = { isToggledByButton: true, isDraggable: config.draggable === true };
        frame.contentWindow?.postMessage({ type: "dify-chatbot-config", payload }, event.origin);
      } else if (type === "dify-chatbot-expand-change") {
        large = !large;
        style(frame, large ? LARGE : SMALL);
        place(frame, button);
      }
    });
    show(false);
    document.body.append(frame, button);
  };

  if (window.difyChatbotConfig?.dynamicScript || document.readyState !== "loading") void begin();
  else document.addEventListener("DOMContentLoaded", () => void begin());
})(document.currentScript);
