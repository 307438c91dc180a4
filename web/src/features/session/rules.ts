/** What names, addresses and passwords must be; the answers are keys of texts. */
import { z } from "zod";

export const email = z
  .string()
  .trim()
  .superRefine((text, context) => {
    const parts = text.split("@");
    const message =
      text === ""
        ? "required"
        : parts.length !== 2 || parts[0] === "" || parts[1] === ""
          ? "emailAt"
          : /^[^\s.]+(\.[^\s.]+)+$/.test(parts[1] ?? "")
            ? undefined
            : "email";
    if (message) context.addIssue({ code: "custom", message });
  });

export const password = z.string().refine((text) => text.length >= 8 && /\p{L}/u.test(text) && /\d/.test(text), "password");
export const name = z.string().trim().min(1, "required").max(30, "name");

export const setupForm = z.object({ name, email, password });
export const signinForm = z.object({ email, password: z.string().min(1, "required"), remember: z.boolean() });
export const activateForm = z.object({ name, password });
export const forgotForm = z.object({ email });
/** Six digits; pasted with spaces they are still the same. */
export const codeForm = z.object({
  code: z
    .string()
    .transform((text) => text.replace(/\s/g, ""))
    .pipe(z.string().regex(/^\d{6}$/, "code")),
});
export const lostForm = z.object({ password, again: z.string() }).refine((form) => form.password === form.again, { path: ["again"], message: "again" });

export type Strength = "weak" | "fair" | "good" | "strong";

/** By length and by the kinds of characters in it. */
export function strength(text: string): { readonly level: Strength; readonly bars: number } {
  if (!password.safeParse(text).success) return { level: "weak", bars: text === "" ? 0 : 1 };
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((kind) => kind.test(text)).length;
  const score = text.length + kinds * 2;
  return score >= 22 ? { level: "strong", bars: 4 } : score >= 17 ? { level: "good", bars: 3 } : { level: "fair", bars: 2 };
}
