import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { Signin } from "./Signin";

vi.mock("@tanstack/react-router", async (original) => ({ ...(await original<object>()), ...(await import("../../test/router")) }));

withServer();
const features = (on: boolean) => http.get("*/console/api/system-features", () => HttpResponse.json({ enable_email_password_login: on }));

it("signs in with the password in its wire form", async () => {
  const sent = vi.fn();
  server.use(
    features(true),
    http.post("*/console/api/login", async ({ request }) => {
      sent(await request.json());
      return HttpResponse.json({ result: "success" });
    }),
  );
  const done = vi.fn();
  show(<Signin onDone={done} />);
  await userEvent.type(screen.getByLabelText("E-mail"), "mara@halden.eu");
  await userEvent.type(screen.getByLabelText("Password"), "geheim-1ß");
  await userEvent.keyboard("{Enter}");
  await waitFor(() => expect(done).toHaveBeenCalled());
  expect(sent).toHaveBeenCalledWith({ email: "mara@halden.eu", password: "Z2VoZWltLTHDnw==", remember_me: true });
});

it("keeps the input and says what is wrong", async () => {
  server.use(
    features(true),
    http.post("*/console/api/login", () =>
      HttpResponse.json({ code: "authentication_failed", message: "Invalid email or password.", status: 401 }, { status: 401 }),
    ),
  );
  show(<Signin onDone={vi.fn()} />);
  await userEvent.type(screen.getByLabelText("E-mail"), "mara@halden.eu");
  await userEvent.type(screen.getByLabelText("Password"), "wrong");
  await userEvent.click(screen.getByRole("button", { name: /Sign in/ }));
  expect(await screen.findByRole("alert")).toHaveTextContent("E-mail or password is wrong.");
  expect(screen.getByLabelText("E-mail")).toHaveValue("mara@halden.eu");
});

it("asks for what is missing before it sends anything", async () => {
  server.use(features(true));
  show(<Signin onDone={vi.fn()} />);
  await userEvent.type(screen.getByLabelText("E-mail"), "mara@halden");
  await userEvent.click(screen.getByRole("button", { name: /Sign in/ }));
  expect(await screen.findByText(/needs a dot/)).toBeInTheDocument();
});

it("says so when passwords are turned off", async () => {
  server.use(features(false));
  show(<Signin onDone={vi.fn()} />);
  expect(await screen.findByText(/turned off on this server/)).toBeInTheDocument();
});
