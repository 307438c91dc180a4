// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { hush, Spoken } from "../lib/sound";
import { Api } from "./api";
import Microphone from "./Microphone";
import ReadAloud from "./ReadAloud";
import { loadLanguage } from "./words";

const released = vi.fn();
const played: FakeAudio[] = [];

class FakeRecorder {
  static isTypeSupported = (kind: string): boolean => kind === "audio/webm";
  state = "inactive";
  mimeType = "audio/webm;codecs=opus";
  ondataavailable: (event: { data: Blob }) => void = () => undefined;
  onstop: () => void = () => undefined;
  start(): void {
    this.state = "recording";
  }
  stop(): void {
    this.state = "inactive";
    this.ondataavailable({ data: new Blob(["sound"]) });
    this.onstop();
  }
}

class FakeAudio {
  ended = false;
  onended: () => void = () => undefined;
  onerror: () => void = () => undefined;
  pause = vi.fn();
  constructor(readonly address: string) {
    played.push(this);
  }
  play(): Promise<void> {
    return Promise.resolve();
  }
}

function microphone(getUserMedia: () => Promise<unknown>): void {
  Object.defineProperty(navigator, "mediaDevices", { value: { getUserMedia }, configurable: true });
}

beforeEach(async () => {
  await loadLanguage("en");
  vi.stubGlobal("MediaRecorder", FakeRecorder);
  vi.stubGlobal("Audio", FakeAudio);
  URL.createObjectURL = () => "blob:sound";
  URL.revokeObjectURL = () => undefined;
  microphone(() => Promise.resolve({ getTracks: () => [{ stop: released }] }));
});
afterEach(() => {
  cleanup();
  act(hush);
  played.length = 0;
  vi.unstubAllGlobals();
  vi.clearAllMocks();
});

function drawn(words: () => Promise<{ text: string }>): {
  onText: ReturnType<typeof vi.fn>;
  onProblem: ReturnType<typeof vi.fn>;
  json: ReturnType<typeof vi.fn>;
} {
  const api = new Api("code", null);
  const [onText, onProblem, json] = [vi.fn(), vi.fn(), vi.fn(words)];
  api.json = json;
  render(<Microphone api={api} disabled={false} onText={onText} onProblem={onProblem} />);
  return { onText, onProblem, json };
}
const press = (name: string): boolean => fireEvent.click(screen.getByRole("button", { name }));

describe("the microphone", () => {
  it("writes down what was said and lets the microphone go", async () => {
    const { onText, json } = drawn(() => Promise.resolve({ text: " good day " }));
    press("Speak");
    fireEvent.click(await screen.findByRole("button", { name: "Stop and write it down" }));
    await waitFor(() => expect(onText).toHaveBeenCalledWith("good day"));
    const form: FormData = json.mock.calls[0]?.[1].form;
    const file = form.get("file") as File;
    expect([json.mock.calls[0]?.[0], file.name, file.type]).toEqual(["/audio-to-text", "recording.webm", "audio/webm"]);
    expect(released).toHaveBeenCalledOnce();
    expect(screen.getByRole("button", { name: "Speak" })).toBeTruthy();
  });
  it("sends nothing that was discarded", async () => {
    const { onText, onProblem, json } = drawn(() => Promise.resolve({ text: "no" }));
    press("Speak");
    await screen.findByRole("timer");
    fireEvent.keyDown(screen.getByRole("button", { name: "Discard the recording" }), { key: "Escape" });
    await waitFor(() => expect(released).toHaveBeenCalledOnce());
    expect([onText.mock.calls.length, json.mock.calls.length, onProblem.mock.calls]).toEqual([0, 0, [[null]]]);
    expect(screen.getByRole("button", { name: "Speak" })).toBeTruthy();
  });
  it("says what is wrong", async () => {
    for (const [name, text] of [
      ["NotAllowedError", /may not use the microphone/],
      ["NotFoundError", /No microphone/],
      ["NotReadableError", /could not be written down/],
    ] as const) {
      microphone(() => Promise.reject(new DOMException("", name)));
      const { onProblem } = drawn(() => Promise.resolve({ text: "" }));
      press("Speak");
      await waitFor(() => expect(onProblem).toHaveBeenLastCalledWith(expect.stringMatching(text)));
      cleanup();
    }
    microphone(() => Promise.resolve({ getTracks: () => [{ stop: released }] }));
    const { onProblem } = drawn(() => Promise.resolve({ text: "" }));
    press("Speak");
    fireEvent.click(await screen.findByRole("button", { name: "Stop and write it down" }));
    await waitFor(() => expect(onProblem).toHaveBeenLastCalledWith("Nothing was heard."));
  });
});

describe("an answer", () => {
  const sound = new Blob(["ID3"], { type: "audio/mpeg" });
  it("is read, stopped and read to its end", async () => {
    const fetched = vi.fn(() => Promise.resolve(sound));
    render(<ReadAloud id="one" sound={fetched} />);
    press("Read aloud");
    fireEvent.click(await screen.findByRole("button", { name: "Stop reading" }));
    expect(played[0]?.pause).toHaveBeenCalled();
    press("Read aloud");
    await screen.findByRole("button", { name: "Stop reading" });
    act(() => played[1]?.onended());
    expect(screen.getByRole("button", { name: "Read aloud" })).toBeTruthy();
  });
  it("is read one at a time", async () => {
    render(
      <>
        <ReadAloud id="one" sound={() => Promise.resolve(sound)} />
        <ReadAloud id="two" sound={() => Promise.resolve(sound)} />
      </>,
    );
    const [one, two] = screen.getAllByRole("button");
    if (!one || !two) throw new Error("two buttons");
    fireEvent.click(one);
    await screen.findByRole("button", { name: "Stop reading" });
    fireEvent.click(two);
    await waitFor(() => expect(two.getAttribute("aria-label")).toBe("Stop reading"));
    expect(one.getAttribute("aria-label")).toBe("Read aloud");
  });
  it("that has no sound says so", async () => {
    render(<ReadAloud id="one" sound={() => Promise.resolve(new Blob(["null"], { type: "application/json" }))} />);
    press("Read aloud");
    expect((await screen.findByRole("alert")).textContent).toBe("The answer could not be read aloud.");
  });
  it("is heard as it came with its events", async () => {
    render(<ReadAloud id="one" sound={() => Promise.reject(new Error("not asked"))} />);
    const spoken = new Spoken();
    spoken.hear({ event: "message", answer: "a" });
    spoken.hear({ event: "tts_message", audio: btoa("ID3") });
    spoken.hear({ event: "tts_message_end", audio: "" });
    act(() => spoken.play("one"));
    expect(await screen.findByRole("button", { name: "Stop reading" })).toBeTruthy();
    expect(played.length).toBe(1);
  });
});
