/** The studio as a page of the shell: connected to the server. */
import type { ComponentProps } from "react";
import { StudioBar as Bar } from "./bar/StudioBar";
import { connectToServer } from "./serverTransport";
import { Studio } from "./Studio";

connectToServer();

export function StudioPage(props: ComponentProps<typeof Studio>) {
  return <Studio {...props} />;
}

export function StudioBar() {
  return <Bar />;
}
