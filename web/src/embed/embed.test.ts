import { Buffer, Blob as NodeBlob } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const button = (): HTMLElement | null => document.getElementById("dify-chatbot-bubble-button");
const frame = (): HTMLIFrameElement | null => document.querySelector<HTMLIFrameElement>("#dify-chatbot-bubble-window");
const said = vi.fn();

let runs = 0;

/** Runs the script as a page does that has this configuration. */
async function load(config: unknown): Promise<void> {
  Reflect.set(window, "difyChatbotConfig", config);
  runs += 1;
  // Under another address each time: a module runs once, a script whenever a page has it.
  const address = `./embed.ts?run=${runs}`;
  await import(/* @vite-ignore */ address);
}

/** Runs it and waits for what it adds to the page. */
async function shown(config: object): Promise<{ button: HTMLElement; frame: HTMLIFrameElement; address: URL }> {
  await load({ token: "tok", baseUrl: "https://ai.test", ...config });
  const made = await vi.waitFor(() => {
    const [one, other] = [button(), frame()];
    if (!one || !other) throw new Error("not there yet");
    return { button: one, frame: other };
  });
  return { ...made, address: new URL(made.frame.getAttribute("src") ?? "") };
}

const plain = (address: URL, name: string): string => gunzipSync(Buffer.from(address.searchParams.get(name) ?? "", "base64")).toString();

beforeEach(() => {
  document.body.replaceChildren();
  // The one of the simulated page cannot be read as a stream.
  vi.stubGlobal("Blob", NodeBlob);
  vi.spyOn(console, "error").mockImplementation(said);
  said.mockClear();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  Reflect.deleteProperty(window, "difyChatbotConfig");
  Reflect.deleteProperty(document, "readyState");
  Reflect.deleteProperty(document, "currentScript");
  document.body.replaceChildren();
});

describe("where the chat is", () => {
  it.each([
    ["https://ai.test", "https://ai.test/chatbot/tok"],
    ["https://ai.test/", "https://ai.test/chatbot/tok"],
    ["https://ai.test/below", "https://ai.test/below/chatbot/tok"],
  ])("by baseUrl %s", async (baseUrl, src) => expect((await shown({ baseUrl })).address.href).toBe(src));

  it("is where the script comes from without one, whatever isDev says", async () => {
    for (const isDev of [undefined, true, false]) {
      document.body.replaceChildren();
      const script = document.createElement("script");
      Object.defineProperty(script, "src", { value: "https://cdn.test/embed.min.js" });
      Object.defineProperty(document, "currentScript", { value: script, configurable: true });
      expect((await shown({ baseUrl: undefined, isDev })).address.href).toBe("https://cdn.test/chatbot/tok");
    }
  });

  it("needs a token, whose letters cannot leave their place", async () => {
    for (const config of [undefined, {}, { token: "" }]) {
      await load(config);
      await vi.waitFor(() => expect(said).toHaveBeenCalled());
      expect(button()).toBeNull();
      said.mockClear();
    }
    expect((await shown({ token: "../x?y" })).address.pathname).toBe("/chatbot/..%2Fx%3Fy");
  });
});

it("values of all three groups are in the address, packed", async () => {
  const { address } = await shown({
    inputs: { city: "巴塞尔 & more", count: 3, none: null },
    systemVariables: { user_id: "u-1", conversation_id: "c-1" },
    userVariables: { name: "Ann", avatar_url: "https://a.test/a.png" },
  });
  expect([...address.searchParams.keys()].sort()).toEqual(["city", "count", "sys.conversation_id", "sys.user_id", "user.avatar_url", "user.name"]);
  expect(plain(address, "city")).toBe("巴塞尔 & more");
  expect(plain(address, "count")).toBe("3");
  expect(plain(address, "sys.user_id")).toBe("u-1");
  expect(plain(address, "sys.conversation_id")).toBe("c-1");
  expect(plain(address, "user.name")).toBe("Ann");
  expect(plain(address, "user.avatar_url")).toBe("https://a.test/a.png");
});

it("an address that is too long is not asked for", async () => {
  const long = Array.from({ length: 4_000 }, (_, index) => ((index * 7919) % 36).toString(36) + String(Math.sin(index))).join("");
  await load({ token: "tok", baseUrl: "https://ai.test", inputs: { long } });
  await vi.waitFor(() => expect(said).toHaveBeenCalledWith(expect.stringContaining("2048 are the limit")));
  expect(frame()).toBeNull();
});

describe("containerProps", () => {
  it("give the button a class, attributes and what it listens to", async () => {
    const entered = vi.fn();
    const { button } = await shown({ containerProps: { className: "corner round", "data-place": "shop", onMouseEnter: entered } });
    expect(button.className).toBe("corner round");
    expect(button.getAttribute("data-place")).toBe("shop");
    button.dispatchEvent(new MouseEvent("mouseenter"));
    expect(entered).toHaveBeenCalledTimes(1);
  });

  it("give it a style as a text", async () => {
    const { button } = await shown({ containerProps: { style: "opacity: 0.5" } });
    expect(button.style.opacity).toBe("0.5");
    expect(button.style.position).toBe("fixed");
  });

  it("give it a style as rules, by both kinds of names", async () => {
    const style = { zIndex: "7", "font-size": "20px", "--dify-chatbot-bubble-button-bg-color": "green" };
    const { button } = await shown({ containerProps: { style } });
    expect(button.style.zIndex).toBe("7");
    expect(button.style.fontSize).toBe("20px");
    expect(button.style.getPropertyValue("--dify-chatbot-bubble-button-bg-color")).toBe("green");
  });
});

it("the button opens and closes, so does the key", async () => {
  const { button, frame } = await shown({});
  expect(frame.style.display).toBe("none");
  button.click();
  expect([frame.style.display, button.getAttribute("aria-expanded")]).toEqual(["block", "true"]);
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
  expect([frame.style.display, button.getAttribute("aria-expanded")]).toEqual(["none", "false"]);
});

describe("dragging", () => {
  const drag = (element: HTMLElement, x: number, y: number): void => {
    Object.assign(element, { setPointerCapture: vi.fn() });
    element.dispatchEvent(new MouseEvent("pointerdown", { clientX: 10, clientY: 10 }));
    element.dispatchEvent(new MouseEvent("pointermove", { clientX: 10 + x, clientY: 10 + y }));
    element.dispatchEvent(new MouseEvent("pointerup"));
    element.click();
  };

  it.each([
    ["x", true, false],
    ["y", false, true],
    ["both", true, true],
    [undefined, true, true],
  ] as const)("along %s", async (dragAxis, sideways, upright) => {
    const { button, frame } = await shown({ draggable: true, dragAxis });
    drag(button, 120, 80);
    expect([button.style.left === "120px", button.style.top === "80px"]).toEqual([sideways, upright]);
    expect(frame.style.display, "a drag is no click").toBe("none");
    drag(button, 1, 1);
    expect(frame.style.display, "a press that hardly moves is one").toBe("block");
  });

  it("stays inside the window", async () => {
    const { button } = await shown({ draggable: true });
    drag(button, -5_000, -5_000);
    expect([button.style.left, button.style.top]).toEqual(["0px", "0px"]);
  });

  it("is off without draggable", async () => {
    for (const draggable of [undefined, false]) {
      document.body.replaceChildren();
      const { button, frame } = await shown({ draggable });
      drag(button, 120, 80);
      expect(button.style.left).not.toBe("120px");
      expect(frame.style.display).toBe("block");
    }
  });
});

describe("when the button comes", () => {
  it("waits for the page", async () => {
    Object.defineProperty(document, "readyState", { value: "loading", configurable: true });
    await load({ token: "tok", baseUrl: "https://ai.test" });
    await new Promise((later) => setTimeout(later));
    expect(button()).toBeNull();
    document.dispatchEvent(new Event("DOMContentLoaded"));
    await vi.waitFor(() => expect(button()).not.toBeNull());
  });

  it("does not with dynamicScript, and comes once", async () => {
    Object.defineProperty(document, "readyState", { value: "loading", configurable: true });
    await shown({ dynamicScript: true });
    await load({ token: "other", baseUrl: "https://ai.test", dynamicScript: true });
    await new Promise((later) => setTimeout(later));
    expect(document.querySelectorAll("iframe")).toHaveLength(1);
    expect(frame()?.getAttribute("src")).toContain("/chatbot/tok");
  });
});

it("talks with its own frame and nobody else", async () => {
  const { frame } = await shown({ draggable: true });
  const inside = frame.contentWindow;
  if (!inside) throw new Error("a frame in a page has a window");
  const told = vi.spyOn(inside, "postMessage").mockImplementation(() => undefined);
  const hear = (type: string, source: Window, origin: string): void => {
    window.dispatchEvent(new MessageEvent("message", { data: { type }, source, origin }));
  };
  hear("dify-chatbot-iframe-ready", inside, "https://evil.test");
  hear("dify-chatbot-expand-change", inside, "https://evil.test");
  expect(told).not.toHaveBeenCalled();
  expect(frame.style.width).toBe("24rem");
  hear("dify-chatbot-iframe-ready", inside, "https://ai.test");
  expect(told).toHaveBeenCalledWith({ type: "dify-chatbot-config", payload: { isToggledByButton: true, isDraggable: true } }, "https://ai.test");
  hear("dify-chatbot-expand-change", inside, "https://ai.test");
  expect(frame.style.width).toBe("48%");
  hear("dify-chatbot-expand-change", inside, "https://ai.test");
  expect(frame.style.width).toBe("24rem");
});
