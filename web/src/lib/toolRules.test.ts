import { expect, it } from "vitest";
import { NO_RULES, readRules, ruleFields } from "./toolRules";

it("rules are read as the server reads them", () => {
  const cases: [Record<string, unknown>, [boolean, boolean, boolean]][] = [
    [{}, [false, false, false]],
    [{ approval: "never", injection_guard: false, approver: "user" }, [false, false, false]],
    [{ approval: null, injection_guard: "", approver: null }, [false, false, false]],
    [{ approval: "always", injection_guard: true, approver: "member" }, [true, true, true]],
    [{ approval: true, injection_guard: "yes", approver: 1 }, [true, true, true]],
  ];
  for (const [entry, [always, guard, byMember]] of cases) expect(readRules(entry)).toEqual({ always, guard, byMember });
});

it("an entry without rules keeps none", () => {
  expect(ruleFields(NO_RULES, {})).toEqual({});
  expect(ruleFields({ always: true, guard: false, byMember: true }, {})).toEqual({ approval: "always", approver: "member" });
  expect(ruleFields(NO_RULES, { approval: "always", injection_guard: true })).toEqual({ approval: "never", injection_guard: false });
});
