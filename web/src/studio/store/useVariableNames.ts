/** Texts with variables as people read them: `{{#17630.text#}}` becomes "Draft reply/text". */
import { useStudio } from "./studio";
import { nameAt } from "../model/variables";
import { asTemplate, selectorsInText } from "../model/references";
import { shown } from "./studio";

/** The text with the names of nodes in place of their ids. Re-renders only when the result differs. */
export function useVariableNames(text: string): string {
  return useStudio((state) => {
    let out = text;
    const { nodes } = shown(state);
    for (const selector of selectorsInText(text)) {
      const first = nameAt(selector);
      const scope = selector[first - 1] ?? "";
      const title = nodes.get(scope)?.data.title ?? scope;
      out = out.replace(asTemplate(selector), `${title}/${selector.slice(first).join(".")}`);
    }
    return out;
  });
}
