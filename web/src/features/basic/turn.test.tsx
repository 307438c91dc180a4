import { fireEvent, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { show } from "../../test/render";
import { TipProvider } from "../../ui/Tip";
import { TurnView } from "./TurnView";

const turn = { key: 1, query: "Hi", inputs: {}, answer: "Good day.", state: "done", thoughts: [], approvals: [] } as const;

test("a finished answer can be copied", async () => {
  const writeText = vi.fn(() => Promise.resolve());
  Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
  show(<TurnView turn={turn} completion={false} onMore={undefined} />);
  fireEvent.click(screen.getByRole("button", { name: "Copy the answer" }));
  expect(writeText).toHaveBeenCalledWith("Good day.");
  expect(await screen.findByRole("button", { name: "Copied" })).toBeTruthy();
});

test("an answer can be heard where the app speaks, and nowhere else", () => {
  const { rerender } = show(<TurnView turn={turn} completion={false} onMore={undefined} speaks={{ base: "/apps/a", voice: "" }} />);
  expect(screen.getByRole("button", { name: "Read aloud" })).toBeTruthy();
  rerender(
    <TipProvider>
      <TurnView turn={turn} completion={false} onMore={undefined} />
    </TipProvider>,
  );
  expect(screen.queryByRole("button", { name: "Read aloud" })).toBeNull();
});
