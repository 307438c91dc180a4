/** A visitor's chats: what is shown, and every call that changes it. Components only read the store and call this. */
import type { StreamEvent } from "../lib/events";
import { type Attachment, mappingOf } from "../lib/files";
import { type Json, list, text, texts } from "../lib/read";
import { hush, Spoken } from "../lib/sound";
import { type Api, ApiError, isAbort, isOffline } from "./api";
import { appended, findIn, type Lists, removed, renamed, repinned, touched } from "./conversations";
import { followRun } from "./follow";
import { inputsAgain } from "./form";
import { Frames } from "./frames";
import { soundOf } from "./speech";
import { readKey, writeKey } from "./storage";
import { createStore, type Store } from "./store";
import { afterClose, afterEvent, choiceKey, isBusy, newTurn, type Rating, serverParent, type Turn, turnsFrom, visible, withOlder } from "./turns";
import { type Conversation, conversationFrom, filled, type Parameters } from "./wire";

export interface Thread {
  readonly key: string;
  readonly conversationId: string | null;
  readonly turns: readonly Turn[];
  readonly chosen: Readonly<Record<string, string>>;
  /** Null until the form is filled in. */
  readonly inputs: Json | null;
  readonly loading: boolean;
  readonly hasOlder: boolean;
  readonly problem: ApiError | null;
  readonly suggestions: readonly string[];
  readonly draft: string;
}

export interface ChatState extends Lists {
  readonly threads: readonly Thread[];
  readonly current: string;
  readonly hasMore: boolean;
  readonly listed: boolean;
  readonly notice: string | null;
  /** The app was closed while the page was open. */
  readonly closed: ApiError | null;
}

const PAGE = "20";
let count = 0;
const localKey = (name: string): string => `${name}-${++count}`;
const seconds = (): number => Math.floor(Date.now() / 1000);

function newThread(conversationId: string | null, inputs: Json | null): Thread {
  return {
    key: localKey("thread"),
    conversationId,
    turns: [],
    chosen: {},
    inputs,
    loading: conversationId !== null,
    hasOlder: false,
    problem: null,
    suggestions: [],
    draft: "",
  };
}

/** Errors that concern the whole page and not one answer. */
export function isClosed(error: unknown): error is ApiError {
  if (!(error instanceof ApiError)) return false;
  if (error.code === "app_unavailable" || error.code === "web_sso_auth_required" || error.code === "web_app_access_denied") return true;
  return error.status === 400 && /^Site /.test(error.message);
}

export class Chat {
  readonly store: Store<ChatState>;
  private readonly streams = new Map<string, AbortController>();
  /** What listens for runs that wait, by turn. */
  private readonly waits = new Map<string, AbortController>();
  private readonly memory: string;
  /** Answers can be heard. */
  readonly speaks: boolean;

  constructor(
    private readonly api: Api,
    code: string,
    private readonly parameters: Parameters,
    private readonly preset: Json,
    /** The bubble keeps its conversation too, but has no list. */
    private readonly hasList: boolean,
  ) {
    this.memory = `oxidify.webapp.last.${code}.${api.userId ?? ""}`;
    this.speaks = parameters.speaks;
    const first = newThread(null, this.firstInputs());
    this.store = createStore<ChatState>({
      threads: [first],
      current: first.key,
      pinned: [],
      recent: [],
      hasMore: false,
      listed: false,
      notice: null,
      closed: null,
    });
    api.onNewVisitor = () => this.forget();
  }

  /** Without a form to fill in, a chat can begin at once. */
  private firstInputs(): Json | null {
    return this.parameters.fields.some((field) => !field.hidden) ? null : this.preset;
  }

  async start(conversationId: string | null): Promise<void> {
    const last = conversationId ?? readKey(this.memory);
    if (last && /^[0-9a-f-]{36}$/i.test(last)) this.open(last);
    await this.loadLists();
  }

  private async loadLists(): Promise<void> {
    if (!this.hasList) return;
    try {
      const [pinned, recent] = await Promise.all([this.page("true"), this.page("false")]);
      this.store.set(() => ({ pinned: pinned.items, recent: recent.items, hasMore: recent.hasMore, listed: true }));
    } catch {
      // The chat works without its list; the next message brings it again.
      this.store.set(() => ({ listed: true }));
    }
  }

  private async page(pinned: string, lastId?: string): Promise<{ items: Conversation[]; hasMore: boolean }> {
    const body = await this.api.json("/conversations", { query: { pinned, limit: pinned === "true" ? "100" : PAGE, last_id: lastId } });
    return { items: list(body.data).map(conversationFrom), hasMore: body.has_more === true };
  }

  async more(): Promise<void> {
    const { recent } = this.store.get();
    const last = recent.at(-1);
    if (!last) return;
    const page = await this.page("false", last.id).catch(() => null);
    if (page) this.store.set((state) => ({ recent: appended(state.recent, page.items), hasMore: page.hasMore }));
  }

  // --- threads ---

  private thread(key: string): Thread | undefined {
    return this.store.get().threads.find((thread) => thread.key === key);
  }

  private change(key: string, change: (thread: Thread) => Partial<Thread>): void {
    this.store.set((state) => ({ threads: state.threads.map((thread) => (thread.key === key ? { ...thread, ...change(thread) } : thread)) }));
  }

  private changeTurn(key: string, turnKey: string, change: (turn: Turn) => Turn): void {
    this.change(key, (thread) => ({ turns: thread.turns.map((turn) => (turn.key === turnKey ? change(turn) : turn)) }));
  }

  say(notice: string | null): void {
    this.store.set(() => ({ notice }));
  }

  setDraft(key: string, draft: string): void {
    this.change(key, () => ({ draft }));
  }

  setInputs(key: string, inputs: Json): void {
    this.change(key, () => ({ inputs }));
  }

  /** Back to the form, as long as nothing was asked. */
  editInputs(key: string): void {
    this.change(key, (thread) => (thread.turns.length === 0 ? { inputs: null } : {}));
  }

  fresh(): void {
    const empty = this.store.get().threads.find((thread) => thread.conversationId === null && thread.turns.length === 0);
    const thread = empty ?? newThread(null, this.firstInputs());
    this.store.set((state) => ({ threads: empty ? state.threads : [...state.threads, thread], current: thread.key }));
    writeKey(this.memory, null);
  }

  open(conversationId: string): void {
    const known = this.store.get().threads.find((thread) => thread.conversationId === conversationId);
    const thread = known ?? newThread(conversationId, null);
    this.store.set((state) => ({ threads: known ? state.threads : [...state.threads, thread], current: thread.key }));
    writeKey(this.memory, conversationId);
    if (!known || known.problem) void this.load(thread.key, conversationId);
  }

  async load(key: string, conversationId: string): Promise<void> {
    this.change(key, () => ({ loading: true, problem: null }));
    try {
      const body = await this.api.json("/messages", { query: { conversation_id: conversationId, limit: PAGE } });
      const messages = list(body.data);
      const turns = turnsFrom(messages, seconds());
      const stored = findIn(this.store.get(), conversationId)?.inputs ?? turnsInputs(messages);
      this.change(key, () => ({ turns, hasOlder: body.has_more === true, loading: false, inputs: inputsAgain(stored) }));
      for (const turn of turns) {
        if (turn.state === "lost") void this.recover(key, turn.key);
        if (turn.state === "paused") void this.wait(key, turn.key);
      }
    } catch (error) {
      this.failedLoad(key, error);
    }
  }

  private failedLoad(key: string, error: unknown): void {
    if (isAbort(error)) return;
    if (isClosed(error)) {
      this.store.set(() => ({ closed: error }));
      return;
    }
    const problem = error instanceof ApiError ? error : new ApiError(0, "unknown", String(error));
    if (problem.status === 404) {
      this.drop(key);
      if (this.store.get().current === key || !this.thread(this.store.get().current)) this.fresh();
      return;
    }
    this.change(key, () => ({ loading: false, problem }));
  }

  private drop(key: string): void {
    this.streams.get(key)?.abort();
    for (const turn of this.thread(key)?.turns ?? []) this.waits.get(turn.key)?.abort();
    this.store.set((state) => ({ threads: state.threads.filter((thread) => thread.key !== key) }));
  }

  async older(key: string): Promise<void> {
    const thread = this.thread(key);
    const first = thread?.turns[0]?.id;
    if (!thread?.conversationId || !first || thread.loading) return;
    this.change(key, () => ({ loading: true }));
    try {
      const body = await this.api.json("/messages", { query: { conversation_id: thread.conversationId, first_id: first, limit: PAGE } });
      const turns = turnsFrom(list(body.data), seconds());
      this.change(key, (now) => ({ turns: linked(withOlder(turns, now.turns), turns), hasOlder: body.has_more === true, loading: false }));
    } catch {
      this.change(key, () => ({ loading: false }));
    }
  }

  choose(key: string, turn: Turn, version: Turn): void {
    this.change(key, (thread) => ({ chosen: { ...thread.chosen, [choiceKey(thread.turns, turn)]: version.key }, suggestions: [] }));
  }

  // --- asking ---

  send(key: string, query: string, files: readonly Attachment[]): void {
    const thread = this.thread(key);
    if (!thread || query.trim() === "") return;
    const parent = visible(thread.turns, thread.chosen).at(-1)?.turn.key ?? null;
    this.ask(key, newTurn(localKey("turn"), parent, query, files, seconds()));
  }

  /** The same question again: another version beside the answer that is there. */
  regenerate(key: string, turn: Turn): void {
    this.ask(key, newTurn(localKey("turn"), turn.parent, turn.query, turn.files, seconds()));
  }

  /** The same question instead of the answer that failed. */
  resend(key: string, turn: Turn): void {
    this.change(key, (thread) => ({ turns: thread.turns.filter((known) => known.key !== turn.key) }));
    this.regenerate(key, turn);
  }

  private ask(key: string, turn: Turn): void {
    const thread = this.thread(key);
    if (!thread || thread.turns.some(isBusy)) return;
    hush();
    const { [turn.parent ?? ""]: _, ...chosen } = thread.chosen;
    this.change(key, (now) => ({ turns: [...now.turns, turn], chosen, suggestions: [] }));
    const body = {
      query: turn.query,
      inputs: thread.inputs ?? {},
      files: turn.files.map(mappingOf),
      conversation_id: thread.conversationId ?? "",
      parent_message_id: serverParent(thread.turns, turn.parent),
      response_mode: "streaming",
    };
    void this.follow(key, turn.key, body);
  }

  private async follow(key: string, turnKey: string, body: Json): Promise<void> {
    const control = new AbortController();
    this.streams.set(key, control);
    const frames = new Frames<StreamEvent>((events) => this.changeTurn(key, turnKey, (turn) => events.reduce(afterEvent, turn)));
    const spoken = new Spoken();
    try {
      await this.api.stream(
        "/chat-messages",
        { body },
        (event) => {
          this.noticeConversation(key, event);
          spoken.hear(event);
          frames.push(event);
        },
        control.signal,
      );
      frames.flush();
      this.changeTurn(key, turnKey, afterClose);
      // Whoever has gone to another chat wants to hear this one no more.
      if (this.store.get().current === key && this.turn(key, turnKey)?.state === "done") spoken.play(turnKey);
    } catch (error) {
      frames.flush();
      this.failedAsk(key, turnKey, error);
    } finally {
      if (this.streams.get(key) === control) this.streams.delete(key);
    }
    await this.afterStream(key, turnKey);
  }

  private turn(key: string, turnKey: string): Turn | undefined {
    return this.thread(key)?.turns.find((known) => known.key === turnKey);
  }

  private async afterStream(key: string, turnKey: string): Promise<void> {
    const turn = this.turn(key, turnKey);
    if (turn?.state === "lost" && turn.id) void this.recover(key, turnKey);
    if (turn?.state === "paused") void this.wait(key, turnKey);
    if (turn?.state === "done") await this.afterAnswer(key, turn);
  }

  /** A run that waits for a person: what comes after the answer is shown when it comes. */
  private async wait(key: string, turnKey: string): Promise<void> {
    const runId = this.turn(key, turnKey)?.runId;
    if (!runId || this.waits.has(turnKey)) return;
    const control = new AbortController();
    this.waits.set(turnKey, control);
    const frames = new Frames<StreamEvent>((events) => this.changeTurn(key, turnKey, (turn) => events.reduce(afterEvent, turn)));
    let isOver = false;
    const onEvent = (event: StreamEvent): void => {
      if (event.event === "workflow_finished") isOver = true;
      frames.push(event);
    };
    const waits = (): boolean => {
      frames.flush();
      return this.turn(key, turnKey)?.state === "paused";
    };
    await followRun({ api: this.api, runId, onEvent, waits, signal: control.signal });
    frames.flush();
    this.waits.delete(turnKey);
    if (control.signal.aborted) return;
    const state = this.turn(key, turnKey)?.state;
    // A run that was over before we listened tells its end and not its text: that is in the message.
    const isCut = state === "waiting" || state === "streaming" || (isOver && state === "paused");
    if (isCut && (await this.reread(key, turnKey))) return;
    if (isCut) this.changeTurn(key, turnKey, (turn) => ({ ...turn, state: "lost" }));
    // Still paused here means that the run may no longer be followed.
    else if (state === "paused") return;
    await this.afterStream(key, turnKey);
  }

  private failedAsk(key: string, turnKey: string, error: unknown): void {
    if (isAbort(error)) {
      this.changeTurn(key, turnKey, (turn) => ({ ...turn, state: "stopped" }));
      return;
    }
    if (isClosed(error)) this.store.set(() => ({ closed: error }));
    const failure =
      error instanceof ApiError
        ? { code: error.status === 429 ? "rate_limit" : error.code, message: error.message }
        : { code: "unknown", message: String(error) };
    this.changeTurn(key, turnKey, (turn) => ({ ...turn, state: isOffline(error) ? "lost" : "failed", failure }));
    // The server no longer knows the conversation: what is here stays readable, the next question begins a new one.
    if (error instanceof ApiError && error.status === 404) this.change(key, () => ({ conversationId: null }));
  }

  /** The first event of a new conversation puts it into the list. */
  private noticeConversation(key: string, event: StreamEvent): void {
    const id = text(event.conversation_id);
    const thread = this.thread(key);
    if (!id || !thread) return;
    const known = findIn(this.store.get(), id);
    if (thread.conversationId === id && known && known.updatedAt >= seconds() - 30) return;
    const query = thread.turns.at(-1)?.query ?? "";
    const name = known?.name ?? (query.length > 40 ? `${query.slice(0, 40)}…` : query);
    const introduction = known?.introduction ?? filled(this.parameters.opening, thread.inputs ?? {});
    const conversation: Conversation = { id, name, inputs: known?.inputs ?? thread.inputs ?? {}, introduction, updatedAt: seconds() };
    this.change(key, () => ({ conversationId: id }));
    this.store.set((state) => touched(state, conversation));
    if (this.store.get().current === key) writeKey(this.memory, id);
  }

  private async afterAnswer(key: string, turn: Turn): Promise<void> {
    const thread = this.thread(key);
    if (!thread?.conversationId || !turn.id) return;
    const id = thread.conversationId;
    if (thread.turns.length === 1 && this.hasList) {
      const named = await this.api.json(`/conversations/${id}/name`, { method: "POST", body: { auto_generate: true } }).catch(() => null);
      const name = text(named?.name).trim();
      if (name) this.store.set((state) => renamed(state, id, name));
    }
    if (!this.parameters.suggestsAfter) return;
    const body = await this.api.json(`/messages/${turn.id}/suggested-questions`).catch(() => null);
    const isLast = this.thread(key)?.turns.at(-1)?.key === turn.key;
    if (body && isLast) this.change(key, () => ({ suggestions: texts(body.data) }));
  }

  /** The server goes on without the page: look for the whole answer for a minute or two. */
  private async recover(key: string, turnKey: string): Promise<void> {
    for (let attempt = 0; attempt < 14; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(1000 * 1.4 ** attempt, 15_000)));
      if (this.turn(key, turnKey)?.state !== "lost" || (await this.reread(key, turnKey))) return;
    }
  }

  /** Takes the answer as the server has stored it; false while there is none. */
  private async reread(key: string, turnKey: string): Promise<boolean> {
    const thread = this.thread(key);
    const id = this.turn(key, turnKey)?.id;
    // Nobody waits for it any more.
    if (!thread?.conversationId || !id) return true;
    const body = await this.api.json("/messages", { query: { conversation_id: thread.conversationId, limit: PAGE } }).catch(() => null);
    const found = body && turnsFrom(list(body.data), seconds()).find((known) => known.id === id);
    if (!found || found.state === "lost") return false;
    this.changeTurn(key, turnKey, (now) => ({ ...found, key: now.key, parent: now.parent, steps: now.steps }));
    if (found.state === "paused") void this.wait(key, turnKey);
    return true;
  }

  /** Lets an agent call a tool, or not. */
  readonly answerApproval = (id: string, body: Json): Promise<unknown> => this.api.json(`/tool-approvals/${id}`, { method: "POST", body });

  stop(key: string): void {
    const turn = this.thread(key)?.turns.find(isBusy);
    if (!turn) return;
    // Before its first event a request has no task to stop: leave it, and the text so far stays.
    if (!turn.taskId) this.streams.get(key)?.abort();
    else void this.api.json(`/chat-messages/${turn.taskId}/stop`, { method: "POST", body: {} }).catch(() => this.streams.get(key)?.abort());
    this.changeTurn(key, turn.key, (now) => ({ ...now, state: "stopped" }));
  }

  // --- answers and conversations ---

  /** The sound of an answer: of the stored one where there is one. */
  sound(turn: Turn, signal: AbortSignal): Promise<Blob> {
    return soundOf(this.api, turn.id && turn.state === "done" ? { message_id: turn.id } : { text: turn.answer }, signal);
  }

  async rate(key: string, turn: Turn, rating: Rating, content?: string): Promise<boolean> {
    const before = turn.rating;
    this.changeTurn(key, turn.key, (now) => ({ ...now, rating }));
    try {
      await this.api.json(`/messages/${turn.id ?? ""}/feedbacks`, { method: "POST", body: content ? { rating, content } : { rating } });
      return true;
    } catch {
      this.changeTurn(key, turn.key, (now) => ({ ...now, rating: before }));
      this.say("notice.rating");
      return false;
    }
  }

  async rename(id: string, name: string): Promise<boolean> {
    return this.changed(`/conversations/${id}/name`, "POST", { name }, (lists) => renamed(lists, id, name));
  }

  async pin(id: string, isPinned: boolean): Promise<boolean> {
    return this.changed(`/conversations/${id}/${isPinned ? "pin" : "unpin"}`, "PATCH", {}, (lists) => repinned(lists, id, isPinned));
  }

  async remove(id: string): Promise<boolean> {
    const isDone = await this.changed(`/conversations/${id}`, "DELETE", {}, (lists) => removed(lists, id));
    if (!isDone) return false;
    const thread = this.store.get().threads.find((known) => known.conversationId === id);
    if (readKey(this.memory) === id) writeKey(this.memory, null);
    if (!thread) return true;
    const isCurrent = this.store.get().current === thread.key;
    if (isCurrent) this.fresh();
    this.drop(thread.key);
    return true;
  }

  private async changed(path: string, method: "POST" | "PATCH" | "DELETE", body: Json, change: (lists: Lists) => Lists): Promise<boolean> {
    try {
      await this.api.json(path, { method, body });
      this.store.set((state) => change(state));
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        void this.loadLists();
        return method === "DELETE";
      }
      this.say("notice.change");
      return false;
    }
  }

  /** The visitor is another one now: nothing that was here is theirs any more. */
  private forget(): void {
    writeKey(this.memory, null);
    const draft = this.thread(this.store.get().current)?.draft ?? "";
    const thread = { ...newThread(null, this.firstInputs()), draft };
    this.store.set(() => ({ threads: [thread], current: thread.key, pinned: [], recent: [], hasMore: false, notice: "notice.newVisitor" }));
  }
}

function turnsInputs(messages: readonly unknown[]): Json {
  const first = messages[0];
  const inputs: unknown = typeof first === "object" && first !== null ? Reflect.get(first, "inputs") : undefined;
  return typeof inputs === "object" && inputs !== null && !Array.isArray(inputs) ? Object.fromEntries(Object.entries(inputs)) : {};
}

/** The first turn of the newer page follows the last of the older one, where neither names a parent. */
function linked(turns: Turn[], older: readonly Turn[]): Turn[] {
  const last = older.at(-1);
  const keys = new Set(turns.map((turn) => turn.key));
  return turns.map((turn, index) =>
    last && index === older.length && (turn.parent === null || !keys.has(turn.parent)) ? { ...turn, parent: last.key } : turn,
  );
}
