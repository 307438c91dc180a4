import { render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { contrast, parseColour } from "../lib/colour";
import { AboutText } from "./AboutText";
import type { Chat } from "./chat";
import { dressColours } from "./dress";
import { SiteIcon } from "./SiteIcon";
import { TurnView } from "./TurnView";
import { newTurn, type Turn } from "./turns";
import { siteFrom } from "./wire";
import { chooseLanguage, loadLanguage } from "./words";

const siteOf = (site: object) => siteFrom({ site: { title: "Help desk", ...site } });

beforeEach(() => loadLanguage("en"));

afterEach(() => {
  for (const style of document.head.querySelectorAll("style")) style.remove();
  document.documentElement.removeAttribute("data-bar");
});

it("tells what is set", () => {
  const site = siteOf({ description: "Ask us", copyright: "2026 Acme", custom_disclaimer: "Mind the gap", privacy_policy: "https://acme.test/privacy" });
  render(<AboutText site={site} />);
  expect(screen.getByText("Ask us")).toBeVisible();
  expect(screen.getByText("© 2026 Acme")).toBeVisible();
  expect(screen.getByText("Mind the gap")).toBeVisible();
  const link = screen.getByRole("link", { name: "Privacy policy" });
  expect(link).toHaveAttribute("href", "https://acme.test/privacy");
  expect(link).toHaveAttribute("rel", "noopener noreferrer");
});

it("leaves out what is not", () => {
  render(<AboutText site={siteOf({ copyright: "", privacy_policy: null, custom_disclaimer: "" })} />);
  expect(screen.queryByRole("link")).toBeNull();
  expect(screen.queryByText(/©/)).toBeNull();
  expect(screen.getByText("Answers can be wrong. Check what matters to you.")).toBeVisible();
});

it.each(["javascript:alert(1)", "data:text/html,x", "JAVASCRIPT:alert(1)"])("an imported %s is text, not a link", (policy) => {
  render(<AboutText site={siteOf({ privacy_policy: policy })} />);
  expect(screen.queryByRole("link")).toBeNull();
  expect(screen.getByText(policy)).toBeVisible();
});

it("shows the picture, the sign, or ours", () => {
  const { container, rerender } = render(<SiteIcon site={siteOf({ icon_type: "image", icon: "0194aaaa", icon_url: "/files/x" })} size={24} />);
  expect(container.querySelector("img")).toHaveAttribute("src", "/files/x");
  rerender(<SiteIcon site={siteOf({ icon_type: "emoji", icon: "🧭", icon_background: "#E4FBCC" })} size={24} />);
  expect(container.querySelector("img")).toBeNull();
  expect(container.querySelector(".site-icon")).toHaveTextContent("🧭");
  rerender(<SiteIcon site={siteOf({ icon_type: "emoji", icon: "", icon_background: "red;}" })} size={24} />);
  expect(container.querySelector(".site-icon.own")).not.toBeNull();
});

it("its colour can be read in both themes", () => {
  dressColours(siteOf({ chat_color_theme: "#1C64F2", chat_color_theme_inverted: true }));
  const rules = document.head.querySelector("style:last-of-type")?.textContent ?? "";
  for (const theme of ["light", "dark"]) {
    const roles = new RegExp(`\\[data-theme="${theme}"\\]\\{([^}]*)\\}`).exec(rules)?.[1] ?? "";
    const role = (name: string) => parseColour(new RegExp(`(?:^|;)${name}:(#[0-9a-f]{6})`).exec(roles)?.[1]);
    const [accent, on, text, soft] = [role("--accent"), role("--on-accent"), role("--accent-text"), role("--accent-soft")];
    if (!accent || !on || !text || !soft) throw new Error(`${theme}: ${rules}`);
    expect(contrast(accent, on)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(text, soft)).toBeGreaterThanOrEqual(4.5);
  }
  expect(document.documentElement.dataset.bar).toBe("coloured");
});

it("without a colour, or with one that is none, the page keeps ours", () => {
  for (const colour of [null, "", "red;}body{display:none"]) dressColours(siteOf({ chat_color_theme: colour, chat_color_theme_inverted: true }));
  expect(document.head.querySelectorAll("style")).toHaveLength(0);
  expect(document.documentElement.dataset.bar).toBeUndefined();
});

describe("an answer", () => {
  const turn: Turn = {
    ...newTurn("t1", null, "Hi", [], 0),
    state: "done",
    steps: [{ id: "n1", title: "Look it up", status: "succeeded", seconds: 0.5 }],
  };
  // Nothing of the chat is asked for while nobody clicks.
  const draw = (site: object) =>
    render(
      <TurnView
        chat={{} as Chat}
        threadKey="k"
        site={siteOf({ icon_type: "emoji", icon: "🧭", ...site })}
        turn={turn}
        index={0}
        versions={[]}
        locked={false}
      />,
    );

  it("shows the nodes of its run and the icon where that is set", () => {
    const { container } = draw({ show_workflow_steps: true, use_icon_as_answer_icon: true });
    expect(screen.getByText("Look it up")).toBeInTheDocument();
    expect(container.querySelector(".answer-icon")).toHaveTextContent("🧭");
  });

  it("shows neither where it is not", () => {
    const { container } = draw({ show_workflow_steps: false, use_icon_as_answer_icon: false });
    expect(screen.queryByText("Look it up")).toBeNull();
    expect(container.querySelector(".answer-icon")).toBeNull();
  });
});

it.each([
  [null, "zh-Hans", "zh-Hans"],
  [null, "zh-Hant", "zh-Hans"],
  [null, "en-US", "en"],
  [null, "fr-FR", "en"],
  ["en", "zh-Hans", "en"],
  ["zh-Hans", "en-US", "zh-Hans"],
] as const)("asked for %s, with a site in %s, it speaks %s", (wanted, site, expected) => expect(chooseLanguage(wanted, site)).toBe(expected));
