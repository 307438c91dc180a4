/** What is asked before an agent calls a tool, as its entry in a file says. Pure. */

export interface ToolRules {
  /** Every call is asked about. */
  readonly always: boolean;
  /** Calls are asked about whose arguments were read somewhere. */
  readonly guard: boolean;
  /** Only members may answer. */
  readonly byMember: boolean;
}

export const NO_RULES: ToolRules = { always: false, guard: false, byMember: false };

/** What is not known is the stricter, as the server reads it. */
const isSet = (value: unknown, plain: unknown): boolean => value !== undefined && value !== null && value !== "" && value !== plain;

export function readRules(entry: Readonly<Record<string, unknown>>): ToolRules {
  return { always: isSet(entry.approval, "never"), guard: isSet(entry.injection_guard, false), byMember: isSet(entry.approver, "user") };
}

export type RuleFields = {
  readonly approval?: string;
  readonly injection_guard?: boolean;
  readonly approver?: string;
};

/** The fields of an entry; those that were never set stay away where they say nothing. */
export function ruleFields(rules: ToolRules, entry: Readonly<Record<string, unknown>>): RuleFields {
  return {
    ...(rules.always || entry.approval !== undefined ? { approval: rules.always ? "always" : "never" } : {}),
    ...(rules.guard || entry.injection_guard !== undefined ? { injection_guard: rules.guard } : {}),
    ...(rules.byMember || entry.approver !== undefined ? { approver: rules.byMember ? "member" : "user" } : {}),
  };
}
