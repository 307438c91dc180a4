import { describe, expect, it } from "vitest";
import { problemOf, readModeration, writeModeration } from "./moderation";

const stored = {
  enabled: true,
  type: "keywords",
  future: 1,
  config: {
    keywords: "a\nb",
    api_based_extension_id: "",
    inputs_config: { enabled: true, preset_response: "No.", hint: "kept" },
    outputs_config: { enabled: false, preset_response: "" },
  },
};

describe("moderation", () => {
  it("is written back as it was read, unknown keys included", () => {
    expect(writeModeration(readModeration(stored), stored)).toEqual(stored);
  });

  it("reads what is missing as off", () => {
    expect(readModeration(null)).toMatchObject({ enabled: false, kind: "keywords", keywords: "", inputs: { enabled: false, preset: "" } });
    expect(readModeration({ enabled: true, type: "cloud" }).kind).toBe("keywords");
  });

  it("names what is missing", () => {
    const good = readModeration(stored);
    expect(problemOf(good)).toBeUndefined();
    expect(problemOf({ ...good, keywords: " \n" })).toBe("keywords");
    expect(problemOf({ ...good, keywords: Array(101).fill("w").join("\n") })).toBe("tooMany");
    expect(problemOf({ ...good, inputs: { enabled: false, preset: "" } })).toBe("sides");
    expect(problemOf({ ...good, inputs: { enabled: true, preset: " " } })).toBe("preset");
    expect(problemOf({ ...good, inputs: { enabled: true, preset: "x".repeat(101) } })).toBe("preset");
    expect(problemOf({ ...good, kind: "api" })).toBe("extension");
    expect(problemOf({ ...good, kind: "api", extension: "e", inputs: { enabled: true, preset: "" } })).toBeUndefined();
    expect(problemOf({ ...good, kind: "openai_moderation", keywords: "" })).toBeUndefined();
  });
});
