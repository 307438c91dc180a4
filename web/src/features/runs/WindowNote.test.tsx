import { render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { filesLeftOut, windowFit } from "../../lib/windowFit";
import { WindowNote } from "./WindowNote";

const told = {
  context_window: {
    context_size: 4096,
    reserved_tokens: 512,
    room_tokens: 3584,
    counted_tokens: 5000,
    kept_tokens: 3500,
    dropped_messages: 2,
    shortened_messages: 0,
  },
};

describe("what a window had no room for", () => {
  it("is read only where it is told whole", () => {
    expect(windowFit(told)).toEqual({ size: 4096, reserved: 512, room: 3584, counted: 5000, kept: 3500, dropped: 2, shortened: 0, chunks: 0 });
    expect(windowFit({ context_window: { ...told.context_window, dropped_chunks: 3 } })?.chunks).toBe(3);
    for (const other of [undefined, null, "text", {}, { context_window: null }, { context_window: { context_size: 1 } }]) {
      expect(windowFit(other)).toBeUndefined();
    }
    expect(windowFit({ context_window: { ...told.context_window, context_size: null } })?.size).toBeUndefined();
    expect(filesLeftOut({ files_left_out: [{ name: "a.pdf", type: "document" }, { name: null, type: "image" }, 5] })).toEqual(["a.pdf", "image"]);
    expect(filesLeftOut({ files_left_out: "a" })).toEqual([]);
  });

  it("stands in words and numbers", () => {
    render(<WindowNote told={told} />);
    expect(screen.getByRole("note")).toHaveTextContent(
      "2 old messages left out5,000 tokens counted, room for 3,584 (window 4,096, 512 kept free for the answer), 3,500 sent",
    );
  });

  it("tells what was shortened, what still does not fit, and files", () => {
    const fit = { ...told.context_window, dropped_messages: 0, shortened_messages: 1, kept_tokens: 4000, context_size: null };
    render(<WindowNote told={{ context_window: fit, files_left_out: [{ name: "a.pdf" }] }} />);
    const note = screen.getByRole("note");
    expect(note).toHaveTextContent("1 tool answer shortened · still more than there is room for");
    expect(note).toHaveTextContent("the window is not known");
    expect(note).toHaveTextContent("Not sent, the model does not take them: a.pdf");
  });

  it("says nothing where all had room", () => {
    const { container } = render(<WindowNote told={{ usage: {} }} />);
    expect(container).toBeEmptyDOMElement();
  });
});
