import { createFileRoute } from "@tanstack/react-router";
import { ShortcutsPage } from "../features/settings/Appearance";

export const Route = createFileRoute("/_shell/settings/shortcuts")({ component: ShortcutsPage });
