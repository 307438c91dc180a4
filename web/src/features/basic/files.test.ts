import { describe, expect, it } from "vitest";
import { extensionsOf, filesProblem, readFiles, writeFiles } from "./files";
import { readConfig, unknownVariables, writeConfig } from "./model";

describe("files with a message", () => {
  const stored = {
    enabled: true,
    allowed_file_types: ["image", "custom"],
    allowed_file_extensions: [".zip"],
    allowed_file_upload_methods: ["remote_url"],
    number_limits: 5,
    fileUploadConfig: { file_size_limit: 15 },
    image: { enabled: true, number_limits: 5, detail: "low", transfer_methods: ["remote_url"], hint: "kept" },
  };

  it("are written back as they were read, unknown keys included", () => expect(writeFiles(readFiles(stored), stored)).toEqual(stored));

  it("are read from the old form for images, and from nothing", () => {
    expect(readFiles({ image: { enabled: true, number_limits: 2, transfer_methods: ["local_file"], detail: "low" } })).toEqual({
      enabled: true,
      types: ["image"],
      extensions: [],
      methods: ["local_file"],
      most: 2,
      detail: "low",
    });
    expect(readFiles(null)).toMatchObject({ enabled: false, types: ["image"], methods: ["local_file", "remote_url"], most: 3, detail: "high" });
    expect(readFiles({ enabled: true, number_limits: 99 }).most).toBe(10);
  });

  it("take images only where images are a type", () => {
    const files = { ...readFiles(stored), types: ["document"] as const };
    expect(writeFiles(files, stored)).toMatchObject({ enabled: true, allowed_file_types: ["document"], image: { enabled: false } });
  });

  it("name what is missing", () => {
    const files = readFiles(stored);
    expect(filesProblem(files)).toBeUndefined();
    expect(filesProblem({ ...files, types: [] })).toBe("types");
    expect(filesProblem({ ...files, extensions: [] })).toBe("extensions");
    expect(filesProblem({ ...files, methods: [] })).toBe("methods");
    expect(extensionsOf(" pdf .MD, txt;.pdf ")).toEqual([".pdf", ".md", ".txt"]);
  });
});

describe("external variables", () => {
  const json = {
    pre_prompt: "{{weather}} for {{name}} and {{other}}",
    user_input_form: [{ "text-input": { variable: "name", label: "Name", required: true } }],
    external_data_tools: [
      { enabled: true, type: "api", variable: "weather", label: "Weather", icon: "sun", config: { api_based_extension_id: "e1", x: 1 } },
      { type: "api", variable: "plain", config: { api_based_extension_id: "e2" } },
    ],
    more_like_this: { enabled: true, hint: 1 },
    retriever_resource: { enabled: false },
    model: { provider: "p", name: "m", mode: "chat", completion_params: {} },
  };

  it("are read with what the file had and written back", () => {
    const config = readConfig(json);
    expect(config.tools.map((tool) => [tool.variable, tool.label, tool.enabled, tool.extension])).toEqual([
      ["weather", "Weather", true, "e1"],
      ["plain", "plain", true, "e2"],
    ]);
    expect(writeConfig(config)).toMatchObject({
      external_data_tools: [
        json.external_data_tools[0],
        { enabled: true, type: "api", variable: "plain", label: "plain", config: { api_based_extension_id: "e2" } },
      ],
      more_like_this: { enabled: true, hint: 1 },
      retriever_resource: { enabled: false },
    });
  });

  it("are known to the instructions", () => expect(unknownVariables(readConfig(json))).toEqual(["other"]));
});
