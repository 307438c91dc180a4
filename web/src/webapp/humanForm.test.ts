import { describe, expect, it } from "vitest";
import { humanFormFrom } from "./humanForm";

const body = {
  form_content: "# Refund\nOrder 7\n{{#$output.comment#}}\nThen choose:\n{{#$output.reason#}}\nThank you",
  inputs: [
    { type: "paragraph", output_variable_name: "comment" },
    { type: "select", output_variable_name: "reason", option_source: { type: "constant", selector: [], value: ["broken", "late"] } },
    { type: "file", output_variable_name: "photo", allowed_file_types: ["image"], allowed_file_upload_methods: ["local_file"] },
    { type: "unknown", output_variable_name: "x" },
  ],
  resolved_default_values: { comment: "as agreed" },
  user_actions: [
    { id: "yes", title: "Approve", button_style: "primary" },
    { id: "no", title: "", button_style: "ghost" },
  ],
  expiration_time: 1_760_000_000,
  site: { title: "Refunds" },
};

describe("humanFormFrom", () => {
  const form = humanFormFrom(body);
  it("puts fields where the text has them, the others last", () => expect(form.fields.map((field) => field.variable)).toEqual(["comment", "reason", "photo"]));
  it("cuts the text at the fields", () => {
    expect(form.before).toEqual({ comment: "# Refund\nOrder 7", reason: "Then choose:" });
    expect(form.after).toBe("Thank you");
  });
  it("knows what must be given", () => expect(form.fields.map((field) => field.required)).toEqual([false, true, true]));
  it("offers the choices and the actions", () => {
    expect(form.fields[1]?.options).toEqual(["broken", "late"]);
    expect(form.actions).toEqual([
      { id: "yes", title: "Approve", primary: true },
      { id: "no", title: "no", primary: false },
    ]);
  });
  it("is empty for a strange body", () => expect(humanFormFrom({})).toMatchObject({ fields: [], actions: [], after: "" }));
});
