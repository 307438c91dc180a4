import { createFileRoute } from "@tanstack/react-router";
import { Appearance } from "../features/settings/Appearance";

export const Route = createFileRoute("/_shell/settings/appearance")({ component: Appearance });
