/** The start of a container's inside: part of its frame. */
import { z } from "zod";
import { defineKind, type Kind } from "./kind";
import { baseShape } from "./schema";

const schema = z.looseObject(baseShape);

function innerStart(type: string): Kind {
  return defineKind({ type, modes: [], hasInput: false, frame: true, inside: "never", schema, defaults: () => ({}), outputs: () => [], check: () => [] });
}

export const iterationStart = innerStart("iteration-start");
export const loopStart = innerStart("loop-start");
