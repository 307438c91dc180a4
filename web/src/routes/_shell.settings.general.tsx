import { createFileRoute } from "@tanstack/react-router";
import { General } from "../features/settings/General";

export const Route = createFileRoute("/_shell/settings/general")({ component: General });
