// A server made of data: one draft, models, and a run that streams.
import { RequestError, type Transport } from "../../src/studio/transport";

interface Wish {
  readonly nodes: number;
  readonly mode: string;
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

export function fakeServer(wish: Wish): Transport {
  const graph = wish.nodes > 0 ? large(wish.nodes) : sample();
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
    [/workflow-runs/, () => ({ data: [], has_more: false })],
    [/\/workflows\?page/, () => ({ items: [], has_more: false })],
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
