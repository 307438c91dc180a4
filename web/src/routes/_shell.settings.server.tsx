import { createFileRoute } from "@tanstack/react-router";
import { ServerPage } from "../features/settings/ServerPage";

export const Route = createFileRoute("/_shell/settings/server")({ component: ServerPage });
