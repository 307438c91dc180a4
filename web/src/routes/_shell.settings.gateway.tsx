import { createFileRoute } from "@tanstack/react-router";
import { GatewayPage } from "../features/models/GatewayPage";

export const Route = createFileRoute("/_shell/settings/gateway")({ component: GatewayPage });
