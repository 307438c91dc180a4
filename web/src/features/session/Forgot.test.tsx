import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { Forgot } from "./Forgot";

vi.mock("@tanstack/react-router", async (original) => ({ ...(await original<object>()), ...(await import("../../test/router")) }));

withServer();
const features = (mail: boolean) => http.get("*/console/api/system-features", () => HttpResponse.json({ is_email_setup: mail }));
const refuse = (status: number, code: string) => HttpResponse.json({ code, message: "In the server's words.", status }, { status });
const at = (path: string, answer: (body: unknown) => Response) =>
  http.post(`*/console/api/forgot-password${path}`, async ({ request }) => answer(await request.json()));

it("asks for the mail in the language of the page", async () => {
  const sent = vi.fn();
  server.use(
    features(true),
    at("", (body) => {
      sent(body);
      return HttpResponse.json({ result: "success", data: "t1" });
    }),
  );
  const step = vi.fn();
  show(<Forgot email="mara@halden.eu" token="" onStep={step} />);
  expect(await screen.findByLabelText("E-mail")).toHaveValue("mara@halden.eu");
  await userEvent.click(screen.getByRole("button", { name: /Send the code/ }));
  await waitFor(() => expect(step).toHaveBeenCalledWith({ email: "mara@halden.eu", token: "t1" }));
  expect(sent).toHaveBeenCalledWith({ email: "mara@halden.eu", language: "en" });
});

it.each([
  ["email_send_ip_limit", 429, /Too many mails/],
  ["password_reset_rate_limit_exceeded", 429, /on its way already/],
  ["mail_not_set_up", 400, /MAIL_TYPE/],
  ["something_else", 400, /server's words/],
])("says what %s means", async (code, status, text) => {
  server.use(
    features(true),
    at("", () => refuse(status, code)),
  );
  show(<Forgot email="mara@halden.eu" token="" onStep={vi.fn()} />);
  await userEvent.click(await screen.findByRole("button", { name: /Send the code/ }));
  expect(await screen.findByRole("alert")).toHaveTextContent(text);
});

it("goes from the code to the password and ends at the sign-in", async () => {
  const sent: unknown[] = [];
  server.use(
    features(true),
    at("/validity", (body) => {
      sent.push(body);
      return HttpResponse.json({ is_valid: true, email: "mara@halden.eu", token: "t2" });
    }),
    at("/resets", (body) => {
      sent.push(body);
      return HttpResponse.json({ result: "success" });
    }),
  );
  show(<Forgot email="mara@halden.eu" token="t1" onStep={vi.fn()} />);
  await userEvent.type(await screen.findByLabelText("Code from the mail"), "123 456{Enter}");
  await userEvent.type(await screen.findByLabelText("New password"), "better horse 9");
  await userEvent.type(screen.getByLabelText("New password again"), "better horse 9{Enter}");
  expect(await screen.findByText("The password is set")).toBeInTheDocument();
  expect(sent).toEqual([
    { email: "mara@halden.eu", code: "123456", token: "t1" },
    { token: "t2", new_password: "better horse 9", password_confirm: "better horse 9" },
  ]);
});

it("offers a new code when the password came too late", async () => {
  server.use(
    features(true),
    at("/validity", () => HttpResponse.json({ is_valid: true, email: "mara@halden.eu", token: "t2" })),
    at("/resets", () => refuse(400, "invalid_or_expired_token")),
  );
  const step = vi.fn();
  show(<Forgot email="mara@halden.eu" token="t1" onStep={step} />);
  await userEvent.type(await screen.findByLabelText("Code from the mail"), "123456{Enter}");
  await userEvent.type(await screen.findByLabelText("New password"), "better horse 9");
  await userEvent.type(screen.getByLabelText("New password again"), "better horse 9{Enter}");
  await userEvent.click(await screen.findByRole("button", { name: /Ask for a new code/ }));
  expect(step).toHaveBeenCalledWith({ email: "mara@halden.eu", token: "" });
});

it("does not send twice within a minute, and explains a server without mail", async () => {
  server.use(features(true));
  const { unmount } = show(<Forgot email="mara@halden.eu" token="t1" onStep={vi.fn()} />);
  expect(await screen.findByRole("button", { name: /Send it again in/ })).toBeDisabled();
  unmount();
  server.use(features(false));
  show(<Forgot email="mara@halden.eu" token="" onStep={vi.fn()} />);
  expect(await screen.findByText(/sends no mail/)).toBeInTheDocument();
});
