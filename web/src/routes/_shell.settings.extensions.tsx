import { createFileRoute } from "@tanstack/react-router";
import { Extensions } from "../features/settings/Extensions";

export const Route = createFileRoute("/_shell/settings/extensions")({ component: Extensions });
