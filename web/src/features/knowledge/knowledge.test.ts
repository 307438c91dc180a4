import { describe, expect, it } from "vitest";
import { bars, marked, median, shared } from "./figures";
import { fromText, nameProblem, toText } from "./metadata";
import { lacksModel, places, rankingOf, retrievalOf, startRetrieval, vectorWeight, wireRetrieval, withMethod, withRanking, withWeight } from "./retrieval";
import { isRight, problemsOf, ruleOf, separatorOf, splittingOf, startSplitting, typedOf, withSizes } from "./rules";
import { canDo, displayOf, progressOf } from "./status";
import type { HitRecord } from "./types";
import { refusal } from "./useUploads";

describe("splitting", () => {
  it.each([
    ["\\n\\n", "\n\n"],
    ["\\t", "\t"],
    ["。", "。"],
    ["\\\\n", "\\n"],
    ["\\x", "\\x"],
  ])("%s is typed for its separator", (typed, separator) => {
    expect(separatorOf(typed)).toBe(separator);
    expect(separatorOf(typedOf(separator))).toBe(separator);
  });

  it("takes several separators", () => {
    expect(separatorOf("\\n\\n | 。")).toEqual(["\n\n", "。"]);
    expect(typedOf(["\n\n", "。"])).toBe("\\n\\n | 。");
  });

  it("sends plain chunks without parents", () =>
    expect(ruleOf({ ...startSplitting(), size: 300, overlap: 20, urls: true })).toEqual({
      mode: "custom",
      rules: {
        pre_processing_rules: [
          { id: "remove_extra_spaces", enabled: true },
          { id: "remove_urls_emails", enabled: true },
        ],
        segmentation: { separator: "\n\n", max_tokens: 300, chunk_overlap: 20, unit: "tokens" },
      },
    }));

  it("sends parents with their children", () => {
    const rule = ruleOf(withSizes(startSplitting(), { form: "hierarchical_model" }));
    expect(rule.mode).toBe("hierarchical");
    expect(rule.rules?.parent_mode).toBe("paragraph");
    expect(rule.rules?.subchunk_segmentation).toEqual({ separator: "\n", max_tokens: 256, chunk_overlap: 0, unit: "tokens" });
  });

  it("reads a rule back, and one of upstream in characters", () => {
    const value = { ...withSizes(startSplitting(), { form: "hierarchical_model", unit: "characters" }), childSeparator: "。", urls: true };
    expect(splittingOf(ruleOf(value), "hierarchical_model", "English")).toEqual(value);
    const old = splittingOf(
      { mode: "custom", rules: { pre_processing_rules: [], segmentation: { separator: "\n", max_tokens: 800, chunk_overlap: 10 } } },
      "text_model",
      "English",
    );
    expect([old.unit, old.separator, old.size, old.spaces]).toEqual(["characters", "\\n", 800, false]);
  });

  it.each([
    [{ size: 49 }, "size"],
    [{ size: 4001 }, "size"],
    [{ size: Number.NaN }, "size"],
    [{ overlap: 513 }, "overlap"],
    [{ separator: "" }, "separator"],
  ])("%o is refused", (part, field) => {
    const problems = problemsOf({ ...startSplitting(), ...part });
    expect(isRight(problems)).toBe(false);
    expect(Object.entries(problems).filter(([, problem]) => problem)[0]?.[0]).toBe(field);
  });

  it("does not ask for a parent's length where the parent is the document", () => {
    const whole = { ...withSizes(startSplitting(), { form: "hierarchical_model" }), parent: "full-doc" as const, size: 1, separator: "" };
    expect(isRight(problemsOf(whole))).toBe(true);
    expect(problemsOf({ ...whole, parent: "paragraph", size: 100, separator: "\\n" }).childSize).toBe("childSize");
  });
});

describe("figures", () => {
  it.each([
    ["one two three", "three four", 5],
    ["abc", "xyz", 0],
    [undefined, "abc", 0],
    ["ab", "ab", 0],
  ])("%s and %s share %i characters", (before, next, length) => expect(shared(before, next)).toBe(length));

  it("takes the middle", () => expect([median([]), median([3]), median([1, 9, 5]), median([1, 2, 4, 9])]).toEqual([0, 3, 5, 3]));
  it("counts lengths", () => expect(bars([1, 10, 10, 120], 12).map((bar) => bar.count)).toEqual([1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));

  it("marks the words of the question, in their forms", () => {
    const hits = (text: string, question: string) =>
      marked(text, question)
        .filter((piece) => piece.hit)
        .map((piece) => piece.text);
    expect(hits("Refunds are paid; a refund of 80.", "do I get a refund?")).toEqual(["Refunds", "refund"]);
    expect(hits("(a+b)* costs", "a+b cost")).toEqual(["costs"]);
    expect(hits("退货政策", "退货")).toEqual(["退货"]);
    expect(marked("plain", "")).toEqual([{ text: "plain", hit: false }]);
  });
});

describe("retrieval", () => {
  const embedding = { provider: "p", model: "m" };

  it("sends weights with the model of the vectors", () => {
    const sent = wireRetrieval(withRanking(startRetrieval("high_quality"), "weights"), embedding);
    expect(sent.weights).toEqual({
      weight_type: "customized",
      vector_setting: { vector_weight: 0.7, embedding_provider_name: "p", embedding_model_name: "m" },
      keyword_setting: { keyword_weight: 0.3 },
    });
    expect(vectorWeight(withWeight(sent, 0.25, undefined))).toBe(0.25);
    expect(withWeight(sent, 0.25, undefined).weights?.keyword_setting.keyword_weight).toBe(0.75);
  });

  it("knows what ranks", () => {
    const start = startRetrieval("high_quality");
    expect(rankingOf(start)).toBe("auto");
    expect(wireRetrieval(start, embedding)).toMatchObject({ weights: null, reranking_mode: null, reranking_enable: false });
    const weighted = withRanking(start, "weights");
    expect(rankingOf(weighted)).toBe("weights");
    expect(rankingOf(withRanking(weighted, "auto"))).toBe("auto");
    expect(withMethod(weighted, "semantic_search").weights).toBeNull();
    expect(rankingOf(withMethod(start, "semantic_search"))).toBe("none");
    const model = withRanking(start, "model");
    expect(rankingOf(withMethod(model, "full_text_search"))).toBe("model");
    expect(lacksModel(model)).toBe(true);
    expect(rankingOf(startRetrieval("economy"))).toBe("none");
  });

  it("replaces what the technique does not allow", () => {
    const stored = { ...startRetrieval("high_quality"), top_k: 3 };
    expect(retrievalOf({ indexing_technique: "economy", retrieval_model_dict: stored })).toMatchObject({ search_method: "keyword_search", top_k: 3 });
    expect(retrievalOf({ indexing_technique: "high_quality", retrieval_model_dict: { ...stored, search_method: "semantic_search" } }).search_method).toBe(
      "semantic_search",
    );
  });

  it("compares places", () => {
    const hit = (id: string): HitRecord => ({
      score: 1,
      segment: {
        id,
        position: 1,
        document_id: "d",
        content: "",
        answer: null,
        word_count: 0,
        tokens: 0,
        keywords: [],
        hit_count: 0,
        enabled: true,
        status: "completed",
        error: null,
        document: { id: "d", name: "D" },
      },
    });
    const moved = places([hit("a"), hit("b"), hit("c")], [hit("c"), hit("a")]);
    expect([...moved]).toEqual([
      ["a", 1],
      ["b", undefined],
      ["c", -2],
    ]);
  });
});

describe("documents", () => {
  it.each([
    ["waiting", {}, "queuing"],
    ["splitting", {}, "indexing"],
    ["error", {}, "error"],
    ["completed", {}, "available"],
    ["completed", { enabled: false }, "disabled"],
    ["completed", { enabled: false, archived: true }, "archived"],
  ] as const)("%s with %o is %s", (indexing_status, part, shown) =>
    expect(displayOf({ indexing_status, enabled: true, archived: false, ...part })).toBe(shown),
  );

  it("knows how far one is", () => {
    expect(progressOf({ indexing_status: "indexing", completed_segments: 3, total_segments: 12 })).toBe(0.25);
    expect(progressOf({ indexing_status: "waiting", total_segments: 0 })).toBe(0);
    expect(progressOf({ indexing_status: "completed" })).toBe(1);
  });

  it("offers what the server would do", () => {
    expect(canDo("error")).toMatchObject({ retry: true, pause: false, enable: false });
    expect(canDo("indexing")).toMatchObject({ pause: true, disable: false, archive: false });
    expect(canDo("archived")).toMatchObject({ unarchive: true, rename: false });
  });
});

describe("metadata", () => {
  it.each([
    ["12.5", "number", 12.5],
    [" text ", "string", "text"],
    ["", "number", null],
  ] as const)("%s as %s is %s", (text, type, value) => expect(fromText(text, type)).toEqual({ value }));

  it("reads times back", () => {
    const now = 1_763_600_040;
    expect(fromText(toText(now, "time"), "time")).toEqual({ value: now });
    expect(fromText("soon", "time").problem).toBe("time");
    expect(fromText("x", "number").problem).toBe("number");
  });

  it.each([
    ["", "empty"],
    ["Valid", "form"],
    ["2nd", "form"],
    ["taken", "taken"],
    ["valid_until", undefined],
  ])("the name %s is %s", (name, problem) => expect(nameProblem(name, ["taken"])).toBe(problem));
});

describe("files", () => {
  const limits = { size: 1000, types: ["txt", "pdf"], atOnce: 5 };
  it.each([
    [{ name: "a.txt", size: 1000 }, undefined],
    [{ name: "a.PDF", size: 1 }, undefined],
    [{ name: "a.txt", size: 1001 }, "size"],
    [{ name: "a.exe", size: 1 }, "type"],
    [{ name: "a", size: 1 }, "type"],
    [{ name: "a.txt", size: 0 }, "empty"],
  ])("%o is %s", (file, code) => expect(refusal(file, limits)?.code).toBe(code));
});
