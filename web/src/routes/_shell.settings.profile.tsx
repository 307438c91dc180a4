import { createFileRoute } from "@tanstack/react-router";
import { Profile } from "../features/settings/Profile";

export const Route = createFileRoute("/_shell/settings/profile")({ component: Profile });
