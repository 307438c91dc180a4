// A server made of data: one draft, models, and a run that streams.
import { RequestError, type Transport } from "../../src/studio/transport";

interface Wish {
  readonly nodes: number;
  readonly mode: string;
  readonly graph?: string;
}

const node = (id: string, type: string, title: string, x: number, y: number, data: Record<string, unknown> = {}) => ({
  id,
  type: "custom",
  position: { x, y },
  data: { type, title, desc: "", ...data },
});
const edge = (source: string, target: string, handle = "source") => ({
  id: `${source}-${handle}-${target}-target`,
  type: "custom",
  source,
  sourceHandle: handle,
  target,
  targetHandle: "target",
  data: {},
});
const llm = (extra: Record<string, unknown> = {}) => ({
  model: { provider: "oxidify/scripted", name: "echo", mode: "chat", completion_params: {} },
  prompt_template: [
    { id: "s", role: "system", text: "You write for Halden Supply customer care. Be brief and kind.\nPolicy: {{#1002.body#}}" },
    { id: "u", role: "user", text: "Customer wrote: {{#1001.message#}}\nOrder {{#1001.order_id#}}" },
  ],
  context: { enabled: false, variable_selector: [] },
  vision: { enabled: false },
  ...extra,
});

function sample() {
  return {
    nodes: [
      node("1001", "start", "Ticket in", 0, 160, {
        variables: [
          { variable: "message", label: "Message", type: "paragraph", required: true, max_length: 4000 },
          { variable: "order_id", label: "Order", type: "text-input", required: true, max_length: 48 },
          {
            variable: "photos",
            label: "Photos",
            type: "file-list",
            required: false,
            max_length: 5,
            allowed_file_types: ["image"],
            allowed_file_upload_methods: ["local_file", "remote_url"],
          },
        ],
      }),
      node("1002", "http-request", "Fetch order", 240, 160, {
        method: "get",
        url: "https://shop.example/orders/{{#1001.order_id#}}",
        authorization: { type: "no-auth", config: null },
        headers: "accept:application/json",
        params: "",
        body: { type: "none", data: [] },
        error_strategy: "fail-branch",
        retry_config: { retry_enabled: true, max_retries: 3, retry_interval: 100 },
      }),
      node("1003", "if-else", "Which reason?", 490, 130, {
        cases: [
          {
            case_id: "true",
            logical_operator: "and",
            conditions: [{ id: "c1", varType: "string", variable_selector: ["1001", "message"], comparison_operator: "contains", value: "damage" }],
          },
          {
            case_id: "c2",
            logical_operator: "and",
            conditions: [{ id: "c2", varType: "string", variable_selector: ["1001", "message"], comparison_operator: "contains", value: "refund" }],
          },
        ],
      }),
      node("1004", "llm", "Draft reply", 760, 40, llm()),
      node("1005", "template-transform", "Short reply", 760, 210, {
        template: "Thank you, {{ order }}",
        variables: [{ variable: "order", value_selector: ["1001", "order_id"] }],
      }),
      node("1006", "code", "Refund sum", 760, 360, {
        code_language: "javascript",
        code: "function main({ text }) {\n  return { result: text.length };\n}\n",
        variables: [{ variable: "text", value_selector: ["1001", "message"] }],
        outputs: { result: { type: "number", children: null } },
      }),
      node("1007", "variable-aggregator", "First answer", 1010, 160, {
        output_type: "string",
        variables: [
          ["1004", "text"],
          ["1005", "output"],
        ],
      }),
      node("1008", "end", "Answer", 1260, 160, { outputs: [{ variable: "text", value_selector: ["1007", "output"], value_type: "string" }] }),
      {
        id: "1009",
        type: "custom-note",
        position: { x: 240, y: 380 },
        width: 220,
        height: 100,
        data: {
          type: "",
          title: "",
          desc: "",
          theme: "yellow",
          text: "Check the limits with Mara before this goes live.",
          author: "",
          showAuthor: false,
          width: 220,
          height: 100,
        },
      },
    ],
    edges: [
      edge("1001", "1002"),
      edge("1002", "1003"),
      edge("1002", "1006", "fail-branch"),
      edge("1003", "1004", "true"),
      edge("1003", "1005", "c2"),
      edge("1003", "1006", "false"),
      edge("1004", "1007"),
      edge("1005", "1007"),
      edge("1006", "1007"),
      edge("1007", "1008"),
    ],
    viewport: { x: 40, y: 60, zoom: 0.86 },
  };
}

const inside = (id: string, box: string, type: string, title: string, x: number, y: number, data: Record<string, unknown> = {}, loop = false) => ({
  ...node(id, type, title, x, y, { ...data, ...(loop ? { isInLoop: true, loop_id: box } : { isInIteration: true, iteration_id: box }) }),
  ...(type.endsWith("-start") ? { type: `custom-${type}` } : {}),
  parentId: box,
});

/** One node of every kind, with containers. */
function everyKind() {
  const model = { provider: "oxidify/scripted", name: "echo", mode: "chat", completion_params: {} };
  return {
    nodes: [
      node("1", "trigger-webhook", "Ticket arrives", 0, 60, {
        method: "POST",
        content_type: "application/json",
        params: [{ name: "source", type: "string", required: true }],
        headers: [{ name: "X-Shop", required: false }],
        body: [
          { name: "message", type: "string", required: true },
          { name: "items", type: "array[object]", required: false },
        ],
      }),
      node("2", "trigger-schedule", "Every morning", 0, 240, {
        mode: "visual",
        frequency: "weekly",
        visual_config: { time: "08:30 AM", weekdays: ["mon", "wed", "fri"], monthly_days: [1], on_minute: 0 },
        timezone: "Europe/Berlin",
      }),
      node("3", "question-classifier", "Which reason?", 240, 60, {
        model,
        query_variable_selector: ["1", "message"],
        classes: [
          { id: "1", name: "Damaged goods" },
          { id: "2", name: "Money back" },
          { id: "3", name: "Anything else" },
        ],
      }),
      {
        ...node("4", "iteration", "Each line item", 500, 0, {
          start_node_id: "4s",
          iterator_selector: ["1", "items"],
          iterator_input_type: "array[object]",
          output_selector: ["42", "result"],
          output_type: "array[number]",
          is_parallel: true,
          parallel_nums: 4,
          error_handle_mode: "continue-on-error",
        }),
        width: 560,
        height: 220,
      },
      inside("4s", "4", "iteration-start", "", 24, 60),
      inside("41", "4", "parameter-extractor", "Read the line", 110, 60, {
        model,
        query: ["4", "item"],
        parameters: [{ name: "price", type: "number", description: "Price", required: true }],
      }),
      inside("42", "4", "code", "Refund sum", 340, 60, {
        code_language: "python3",
        code: 'def main(price: float) -> dict:\n    return {"result": price * 0.9}\n',
        variables: [{ variable: "price", value_selector: ["41", "price"] }],
        outputs: { result: { type: "number" } },
      }),
      {
        ...node("5", "loop", "Until it is polite", 500, 260, {
          start_node_id: "5s",
          loop_count: 5,
          logical_operator: "and",
          break_conditions: [{ id: "b", varType: "number", variable_selector: ["5", "score"], comparison_operator: "≥", value: "0.8" }],
          loop_variables: [{ id: "v", label: "score", var_type: "number", value_type: "constant", value: 0 }],
        }),
        width: 560,
        height: 200,
      },
      inside("5s", "5", "loop-start", "", 24, 60, {}, true),
      inside("51", "5", "llm", "Rewrite", 110, 60, llm(), true),
      inside(
        "52",
        "5",
        "assigner",
        "Keep the score",
        340,
        60,
        { version: "2", items: [{ variable_selector: ["5", "score"], input_type: "constant", operation: "+=", value: 0.2 }] },
        true,
      ),
      node("6", "knowledge-retrieval", "Returns policy", 500, 500, {
        query_variable_selector: ["1", "message"],
        dataset_ids: ["d1", "d2"],
        retrieval_mode: "multiple",
        multiple_retrieval_config: { top_k: 4, reranking_enable: false },
      }),
      node("7", "agent", "Look it up", 740, 500, {
        agent_strategy_name: "function_calling",
        agent_strategy_provider_name: "langgenius/agent/agent",
        agent_parameters: {
          model: { type: "constant", value: { provider: "oxidify/scripted", model: "echo", mode: "chat", completion_params: {} } },
          tools: {
            type: "constant",
            value: [
              { enabled: true, type: "builtin", provider_name: "time", tool_name: "current_time", tool_label: "Current time", parameters: {}, settings: {} },
            ],
          },
          instruction: { type: "mixed", value: "Be brief." },
          query: { type: "mixed", value: "{{#1.message#}}" },
          maximum_iterations: { type: "constant", value: 5 },
        },
      }),
      node("8", "list-operator", "Newest first", 980, 500, {
        variable: ["6", "result"],
        var_type: "array[string]",
        item_var_type: "string",
        filter_by: { enabled: true, conditions: [{ key: "", comparison_operator: "contains", value: "refund" }] },
        order_by: { enabled: true, key: "", value: "desc" },
        limit: { enabled: true, size: 3 },
        extract_by: { enabled: false, serial: "1" },
      }),
      node("9", "document-extractor", "Read the file", 1220, 500, { variable_selector: ["10", "files"], is_array_file: true }),
      node("10", "tool", "Post to Slack", 1120, 40, {
        provider_id: "slack",
        provider_name: "slack",
        provider_type: "builtin",
        tool_name: "post",
        tool_label: "Post a message",
        paramSchemas: [{ name: "text", type: "string", form: "llm", required: true, label: { en_US: "Text" } }],
        tool_parameters: { text: { type: "mixed", value: "Hi {{#1.message#}}" } },
        error_strategy: "fail-branch",
      }),
      node("11", "human-input", "Ask the team", 1120, 240, {
        delivery_methods: [
          { id: "w", type: "webapp", enabled: true, config: {} },
          { id: "m", type: "email", enabled: true, config: { recipients: { whole_workspace: true, items: [] }, subject: "Look", body: "Here {{#url#}}" } },
        ],
        form_content: "Refund **{{#1.message#}}**?\n\n{{#$output.comment#}}",
        inputs: [{ type: "paragraph", output_variable_name: "comment" }],
        user_actions: [
          { id: "approve", title: "Approve", button_style: "primary" },
          { id: "reject", title: "Reject", button_style: "default" },
        ],
        timeout: 3,
        timeout_unit: "day",
      }),
      node("12", "end", "Answer", 1400, 200, { outputs: [{ variable: "text", value_selector: ["4", "output"], value_type: "array[number]" }] }),
      node("13", "trigger-plugin", "From Gmail", 0, 420, {}),
    ],
    edges: [
      edge("1", "3"),
      edge("2", "3"),
      edge("3", "4", "1"),
      edge("3", "5", "2"),
      edge("3", "6", "3"),
      edge("4s", "41"),
      edge("41", "42"),
      edge("5s", "51"),
      edge("51", "52"),
      edge("6", "7"),
      edge("7", "8"),
      edge("8", "9"),
      edge("4", "10"),
      edge("5", "11"),
      edge("10", "12"),
      edge("11", "12", "approve"),
    ],
    viewport: { x: 40, y: 80, zoom: 0.62 },
  };
}

/** A graph of many nodes of all kinds, in columns of eight. */
function large(count: number) {
  const kinds = ["llm", "code", "template-transform", "http-request", "if-else", "variable-aggregator"];
  const nodes = [
    node("1001", "start", "Start", 0, 400, {
      variables: [
        { variable: "message", label: "Message", type: "text-input", required: true },
        { variable: "order_id", label: "Order", type: "text-input" },
      ],
    }),
  ];
  const edges = [];
  const data: Record<string, Record<string, unknown>> = {
    llm: llm(),
    code: { code_language: "javascript", code: "function main() { return { result: '' } }", variables: [], outputs: { result: { type: "string" } } },
    "template-transform": { template: "Hello {{ a }}", variables: [] },
    "http-request": {
      method: "post",
      url: "https://example.com/{{#1001.order_id#}}",
      headers: "",
      params: "",
      body: { type: "none" },
      authorization: { type: "no-auth" },
    },
    "if-else": {
      cases: [
        {
          case_id: "true",
          logical_operator: "and",
          conditions: [{ id: "1", varType: "string", variable_selector: ["1001", "message"], comparison_operator: "contains", value: "a" }],
        },
      ],
    },
    "variable-aggregator": { output_type: "string", variables: [["1001", "message"]] },
  };
  for (let i = 0; i < count - 1; i += 1) {
    const type = kinds[i % kinds.length] ?? "llm";
    const id = String(2000 + i);
    const column = Math.floor(i / 8);
    nodes.push(node(id, type, `${type} ${i + 1}`, 260 + column * 250, (i % 8) * 150, data[type]));
    const before = i < 8 ? "1001" : String(2000 + i - 8);
    const handle = i >= 8 && kinds[(i - 8) % kinds.length] === "if-else" ? "true" : "source";
    edges.push(edge(before, id, handle));
  }
  return { nodes, edges, viewport: { x: 20, y: 20, zoom: 0.5 } };
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const draftVariable = (id: string, selector: string[], value_type: string) => ({
  id,
  type: "node",
  name: selector[1],
  selector,
  value_type,
  edited: id === "d1",
  visible: true,
});

const execution = (item: { id: string; data: { type: string; title: string } }, index: number) => ({
  id: `x${item.id}`,
  index: index + 1,
  node_id: item.id,
  node_type: item.data.type,
  title: item.data.title,
  status: "succeeded",
  inputs: {},
  outputs: { message: "Lamp damaged", text: "Sorry", body: "{}", status_code: 200 },
  elapsed_time: 0.3,
  created_at: 1795419000,
  started_at_ms: 1795419000000 + index * 300,
});

function version(id: string, name: string, created_at: number, text: string) {
  const { nodes, edges } = sample();
  const changed = nodes.map((n) => (n.id === "1004" ? { ...n, data: { ...n.data, prompt_template: [{ id: "s", role: "system", text }] } } : n));
  return {
    id,
    version: name,
    marked_name: name,
    created_at,
    created_by: { name: "Mara" },
    graph: { nodes: changed, edges },
    features: {},
    environment_variables: [],
  };
}

const comparison = (change: string) => ({
  run_id: "r2",
  base: { id: "r1aaaaaaaa", status: "succeeded", elapsed_time: 1.2, total_tokens: 40, total_price: "0.002" },
  other: { id: "r2bbbbbbbb", status: "succeeded", elapsed_time: 0.02, total_tokens: 40, total_price: "0" },
  identical: false,
  outputs_identical: false,
  outputs: [{ path: "/text", kind: "changed", base: "Sorry", other: "We are sorry" }],
  inputs: [],
  nodes: [
    {
      node_id: "1001",
      title: "Ticket in",
      node_type: "start",
      change: "same",
      base: { status: "succeeded", elapsed_time: 0.01 },
      other: { status: "succeeded", elapsed_time: 0, taken_from_parent: true },
      outputs: [],
    },
    {
      node_id: "1004",
      title: "Draft reply",
      node_type: "llm",
      change,
      base: { status: "succeeded", elapsed_time: 0.8 },
      other: { status: "succeeded", elapsed_time: 0.9 },
      outputs: [{ path: "/text", kind: "changed", base: "Sorry", other: "We are sorry" }],
    },
  ],
});

export function fakeServer(wish: Wish): Transport {
  const graph = wish.nodes > 0 ? large(wish.nodes) : wish.graph === "kinds" ? everyKind() : sample();
  let stored: Record<string, unknown> = {
    id: "w",
    graph,
    features: { opening_statement: "Hello", suggested_questions: ["Where is my order?"] },
    hash: "h0",
    environment_variables: [{ id: "e", name: "SHOP_KEY", value_type: "secret", value: "********************", description: "" }],
    conversation_variables: [],
  };
  let saves = 0;
  const models = [
    { model: "echo", label: { en_US: "echo" }, status: "active", features: ["tool-call", "vision"], model_properties: { mode: "chat", context_size: 128000 } },
    { model: "canned", label: { en_US: "canned" }, status: "active", features: [], model_properties: { mode: "chat", context_size: 8000 } },
  ];
  const answers: [RegExp, (body: unknown) => unknown][] = [
    [/^GET .*\/workflows\/draft$/, () => stored],
    [
      /^POST .*\/workflows\/draft$/,
      (body) => {
        saves += 1;
        const hash = `h${saves}`;
        stored = { ...stored, ...(typeof body === "object" ? body : {}), hash };
        return { result: "success", hash, updated_at: 1 };
      },
    ],
    [/^GET .*\/workflows\/publish$/, () => ({})],
    [/^POST .*\/workflows\/publish$/, () => ({ result: "success", created_at: 1763700200 })],
    [/model-types\/llm$/, () => ({ data: [{ provider: "oxidify/scripted", label: { en_US: "Scripted (for tests)", zh_Hans: "脚本模型" }, models }] })],
    [/default-model/, () => ({ data: { model: "echo", provider: { provider: "oxidify/scripted" } } })],
    [
      /parameter-rules/,
      () => ({
        data: [
          { name: "temperature", label: { en_US: "Temperature", zh_Hans: "温度" }, type: "float", min: 0, max: 2, precision: 2, default: 0.7 },
          { name: "ttft_ms", label: { en_US: "First token after (ms)" }, type: "int", min: 0, max: 5000, default: 200 },
        ],
      }),
    ],
    [/\/replay$/, () => comparison("changed")],
    [/\/compare\//, () => comparison("changed")],
    [/node-executions$/, () => ({ data: graph.nodes.slice(0, 4).map((n, i) => execution(n, i)) })],
    [
      /workflow-runs\/r1$/,
      () => ({
        id: "r1",
        status: "succeeded",
        graph,
        inputs: { message: "Lamp damaged" },
        outputs: { text: "Sorry" },
        created_at: 1795419000,
        elapsed_time: 1.2,
      }),
    ],
    [
      /workflow-runs/,
      () => ({ data: [{ id: "r1", status: "succeeded", created_at: 1795419000, elapsed_time: 1.2, total_tokens: 40, total_steps: 4 }], has_more: false }),
    ],
    [
      /\/workflows\?page/,
      () => ({ items: [version("v2", "Second", 1795419000, "Be brief."), version("v1", "First", 1795400000, "Be very long.")], has_more: false }),
    ],
    [
      /draft\/variables\?/,
      () => ({
        items: [
          draftVariable("d1", ["1004", "text"], "string"),
          draftVariable("d2", ["1004", "usage"], "object"),
          draftVariable("d3", ["1002", "status_code"], "number"),
        ],
        total: 3,
      }),
    ],
    [/draft\/variables\/d2/, () => ({ ...draftVariable("d2", ["1004", "usage"], "object"), value: { total_tokens: 40 } })],
    [/draft\/variables\/d3/, () => ({ ...draftVariable("d3", ["1002", "status_code"], "number"), value: 200 })],
    [/draft\/variables\/d1/, () => ({ ...draftVariable("d1", ["1004", "text"], "string"), value: "We are sorry.", edited: true })],
    [/environment-variables$/, () => ({ items: [{ ...draftVariable("e1", ["env", "SHOP_KEY"], "secret"), type: "env", value: "****" }] })],
    [/system-variables$/, () => ({ items: [{ ...draftVariable("s1", ["sys", "user_id"], "string"), type: "sys", value: "u1" }] })],
    [/conversation-variables$/, () => ({ items: [] })],
    [
      /schedule\/preview$/,
      () => ({ cron_expression: "30 8 * * 1,3,5", timezone: "Europe/Berlin", next_runs: [0, 2, 4, 7, 9].map((d) => 1795419000 + d * 86400) }),
    ],
    [
      /triggers\/webhook/,
      () => ({ webhook_url: "https://app.example/triggers/webhook/8f2c", webhook_debug_url: "https://app.example/triggers/webhook-debug/8f2c" }),
    ],
    [
      /^GET \/datasets/,
      () => ({
        data: [
          { id: "d1", name: "Returns", document_count: 12 },
          { id: "d2", name: "Shipping", document_count: 3 },
          { id: "d3", name: "Handbook", document_count: 40 },
        ],
      }),
    ],
    [
      /tools\/builtin/,
      () => [
        {
          id: "time",
          name: "time",
          type: "builtin",
          label: { en_US: "Time", zh_Hans: "时间" },
          tools: [
            {
              name: "current_time",
              label: { en_US: "Current time", zh_Hans: "当前时间" },
              description: { en_US: "The time now" },
              parameters: [
                { name: "timezone", type: "select", form: "form", label: { en_US: "Time zone" }, options: [{ value: "UTC", label: { en_US: "UTC" } }] },
              ],
            },
          ],
        },
      ],
    ],
    [/tools\//, () => []],
    [/members$/, () => ({ accounts: [{ id: "m1", name: "Mara Keller", email: "mara@example.com" }] })],
    [/nodes\/.*\/variables$/, () => ({ items: [] })],
    [
      /nodes\/.*\/run$/,
      () => ({
        id: "x",
        node_id: "1004",
        node_type: "llm",
        title: "Draft reply",
        status: "succeeded",
        outputs: { text: "Done." },
        elapsed_time: 0.4,
        index: 1,
      }),
    ],
    [/workflow-runs\/tasks/, () => ({ result: "success" })],
  ];
  return {
    json: async (method, path, body) => {
      await wait(10);
      const found = answers.find(([pattern]) => pattern.test(`${method} ${path}`));
      if (!found) throw new RequestError(404, "not_found", `${method} ${path}`);
      return structuredClone(found[1](body));
    },
    stream: async (_path, _body, onEvent, signal) => {
      const send = async (event: string, data: Record<string, unknown>, ms = 60) => {
        if (signal.aborted) return;
        onEvent({ event, task_id: "t", workflow_run_id: "r", data });
        await wait(ms);
      };
      const run = async (id: string, type: string, title: string, ms: number, extra: Record<string, unknown> = {}, text = "") => {
        await send("node_started", { id: `x${id}`, node_id: id, node_type: type, title }, text ? ms / 2 : ms);
        for (const word of text.split(" ").filter(Boolean)) await send("text_chunk", { text: `${word} `, from_variable_selector: [id, "text"] }, 40);
        await send(
          "node_finished",
          { id: `x${id}`, node_id: id, node_type: type, title, status: "succeeded", outputs: {}, execution_metadata: {}, ...extra },
          5,
        );
      };
      await send("workflow_started", { id: "r" }, 5);
      await run("1001", "start", "Ticket in", 12, { outputs: { message: "Lamp damaged", order_id: "HS-20418" } });
      await run("1002", "http-request", "Fetch order", 240, { outputs: { body: "{}", status_code: 200 } });
      await run("1003", "if-else", "Which reason?", 4, { outputs: { result: true, selected_case_id: "true" } });
      const text = "We are sorry that your lamp arrived damaged. A new one leaves tomorrow and you can keep the old one until then.";
      await run(
        "1004",
        "llm",
        "Draft reply",
        500,
        { outputs: { text }, execution_metadata: { total_tokens: 628, total_price: "0.0061", currency: "USD" } },
        text,
      );
      await run("1007", "variable-aggregator", "First answer", 3, { outputs: { output: text } });
      await run("1008", "end", "Answer", 2, { outputs: { text } });
      await send("workflow_finished", { id: "r", status: "succeeded", outputs: { text }, elapsed_time: 2.1, total_tokens: 628, total_steps: 6 });
    },
    beacon: () => undefined,
  };
}
