import { createFileRoute } from "@tanstack/react-router";
import { ProvidersPage } from "../features/models/ProvidersPage";

export const Route = createFileRoute("/_shell/settings/models")({ component: ProvidersPage });
