import { describe, expect, it } from "vitest";
import { accentRoles, contrast, parseColour } from "./colour";

const WHITE = [255, 255, 255] as const;
const DARK = [26, 24, 22] as const;

describe("parseColour", () => {
  it.each([
    ["#1C64F2", [28, 100, 242]],
    ["0af", [0, 170, 255]],
    [" #fff ", [255, 255, 255]],
    ["red", null],
    ["", null],
    [null, null],
  ])("%s", (text, rgb) => expect(parseColour(text)).toEqual(rgb));
});

describe("accentRoles", () => {
  const colours = ["#1C64F2", "#ffcc00", "#00ff88", "#111111", "#ffffff", "#c2562b", "#7f7f7f"];
  const grounds = [
    [WHITE, false],
    [DARK, true],
  ] as const;
  it.each(colours.flatMap((colour) => grounds.map(([ground, dark]) => [colour, ground, dark] as const)))("%s can be read on %s", (text, ground, dark) => {
    const colour = parseColour(text);
    const roles = colour ? accentRoles(colour, ground, dark) : {};
    const of = (name: string) => parseColour(roles[name]) ?? WHITE;
    expect(contrast(of("--on-accent"), of("--accent"))).toBeGreaterThanOrEqual(4.4);
    expect(contrast(of("--accent-text"), of("--accent-soft"))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(of("--accent-text"), ground)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(of("--focus"), ground)).toBeGreaterThanOrEqual(2.9);
  });
});
