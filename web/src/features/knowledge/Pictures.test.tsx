import { render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { Pictures, withoutPictures } from "./Pictures";
import type { Attachment } from "./types";

const ID = "0197a1f2-3c4d-7e5f-8a9b-0c1d2e3f4a5b";
const picture: Attachment = { id: ID, name: `${ID}.png`, mime_type: "image/png", source_url: `/files/${ID}/file-preview?sign=x` };

describe("pictures of a chunk", () => {
  it.each([
    [`before\n![image](/files/${ID}/file-preview)\n\nafter`, "before\n\nafter"],
    [`![image](http://localhost:5001/files/${ID}/image-preview?timestamp=1&nonce=2&sign=a=)`, ""],
    ["![diagram](https://example.com/a.png) stays", "![diagram](https://example.com/a.png) stays"],
  ])("%s is read as %s", (text, expected) => expect(withoutPictures(text, [picture])).toBe(expected));

  it("leaves a text alone that nothing is bound to", () => {
    const text = `![image](/files/${ID}/file-preview)`;
    expect(withoutPictures(text, [])).toBe(text);
    expect(withoutPictures(text, undefined)).toBe(text);
  });

  it("shows pictures, not other files", () => {
    const { container, rerender } = render(<Pictures files={[picture, { ...picture, id: "2", mime_type: "text/plain" }]} />);
    expect(screen.getAllByRole("img")).toHaveLength(1);
    expect(screen.getByRole("link").getAttribute("href")).toBe(picture.source_url);
    rerender(<Pictures files={[]} />);
    expect(container.innerHTML).toBe("");
  });
});
