import { fireEvent, screen, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { show } from "../../test/render";
import { TipProvider } from "../../ui/Tip";
import { TurnView } from "./TurnView";

vi.mock("@tanstack/react-router", async (original) => ({ ...(await original<object>()), ...(await import("../../test/router")) }));

const turn = { key: 1, query: "Hi", inputs: {}, files: [], answer: "Good day.", state: "done", thoughts: [], approvals: [] } as const;

test("a finished answer can be copied", async () => {
  const writeText = vi.fn(() => Promise.resolve());
  Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
  show(<TurnView appId="a1" turn={turn} completion={false} onMore={undefined} />);
  fireEvent.click(screen.getByRole("button", { name: "Copy the answer" }));
  expect(writeText).toHaveBeenCalledWith("Good day.");
  expect(await screen.findByRole("button", { name: "Copied" })).toBeTruthy();
});

test("an answer can be heard where the app speaks, and nowhere else", () => {
  const { rerender } = show(<TurnView appId="a1" turn={turn} completion={false} onMore={undefined} speaks={{ base: "/apps/a", voice: "" }} />);
  expect(screen.getByRole("button", { name: "Read aloud" })).toBeTruthy();
  rerender(
    <TipProvider>
      <TurnView appId="a1" turn={turn} completion={false} onMore={undefined} />
    </TipProvider>,
  );
  expect(screen.queryByRole("button", { name: "Read aloud" })).toBeNull();
});

test("an answer leads to its log and to what it rests on", () => {
  const sources = [
    { position: 1, document: "Regions.md", content: "A move takes", page: 4, score: 0.861, chunk: { dataset: "d", document: "e", segment: "s" } },
    { position: 2, document: "Elsewhere", content: "Limits" },
  ];
  show(<TurnView appId="a1" turn={{ ...turn, sources, logged: { conversation: "c1", message: "m1" } }} completion={false} onMore={undefined} />);
  expect(screen.getByRole("link", { name: "Trace" })).toHaveAttribute("href", "/app/a1/logs?chat=c1");
  const chips = within(screen.getByRole("list", { name: "Sources" })).getAllByRole("listitem");
  expect(chips.map((chip) => chip.textContent)).toEqual(["1Regions.mdpage 40.86", "2Elsewhere"]);
  expect(screen.getByRole("link", { name: /Regions/ })).toHaveAttribute("href", "/datasets/d/documents/e?chunk=s");
});

test("what the server never began has no log", () => {
  show(<TurnView appId="a1" turn={{ ...turn, state: "failed", error: "No luck." }} completion={false} onMore={undefined} />);
  expect(screen.queryByRole("link", { name: "Trace" })).toBeNull();
});
