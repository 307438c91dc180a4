import { CircleAlert, CircleCheck, CircleMinus, CircleX, Hourglass, LoaderCircle, type LucideIcon } from "lucide-react";
import type { Tone } from "./Marks";

interface Look {
  readonly icon: LucideIcon;
  readonly tone: Tone;
  readonly ink: string;
}

const PLAIN: Look = { icon: CircleMinus, tone: "plain", ink: "text-ink-3" };
const LOOKS: Readonly<Record<string, Look>> = {
  succeeded: { icon: CircleCheck, tone: "ok", ink: "text-success" },
  failed: { icon: CircleX, tone: "bad", ink: "text-danger" },
  "partial-succeeded": { icon: CircleAlert, tone: "warn", ink: "text-warning" },
  exception: { icon: CircleAlert, tone: "warn", ink: "text-warning" },
  running: { icon: LoaderCircle, tone: "run", ink: "text-running" },
  paused: { icon: Hourglass, tone: "pau", ink: "text-paused" },
  stopped: PLAIN,
};

/** How a state of a run looks; the word is the caller's. */
export function lookOf(status: string): Look {
  return LOOKS[status] ?? PLAIN;
}

export function StateIcon({ status, label }: { status: string; label: string }) {
  const { icon: Icon, ink } = lookOf(status);
  return <Icon size={15} strokeWidth={1.75} className={`${ink}${status === "running" ? " spin" : ""}`} aria-label={label} />;
}
