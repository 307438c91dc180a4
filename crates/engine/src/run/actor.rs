//! The task of a run: takes messages one at a time, lets the core decide, and does what it says.

use std::{
    any::Any,
    collections::VecDeque,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures::FutureExt;
use ox_types::RunStatus;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::{
    Control, Message, Order,
    core::Core,
    launch::{Launch, Step},
};
use crate::{ChunkSender, EventSink, NodeContext, NodeFailure, Recovery, RunOutcome, StopCause};

/// Messages between nodes and actor; a node that streams faster than the sink takes waits here.
const CHANNEL: usize = 64;
/// Messages handled before waiting nodes get their turn.
const TURN: usize = 64;

pub(crate) struct Actor {
    core: Core,
    sink: Arc<dyn EventSink>,
    control: Arc<Control>,
    tracker: TaskTracker,
    sender: mpsc::Sender<Message>,
    receiver: mpsc::Receiver<Message>,
    /// Messages taken from the channel but not handled yet.
    inbox: VecDeque<Message>,
    pause_seen: bool,
}

type Attempt = Pin<Box<dyn Future<Output = Message> + Send>>;

impl Actor {
    pub fn new(core: Core, sink: Arc<dyn EventSink>, control: Arc<Control>, tracker: TaskTracker) -> Self {
        let (sender, receiver) = mpsc::channel(CHANNEL);
        Self { core, sink, control, tracker, sender, receiver, inbox: VecDeque::new(), pause_seen: false }
    }

    /// Runs to the end.
    pub async fn run(mut self, recovery: Option<Recovery>) -> RunOutcome {
        match recovery {
            None => self.core.begin(),
            Some(recovery) => self.core.recover(recovery),
        }
        let mut turn = 0;
        loop {
            self.core.enforce();
            if !self.flush().await {
                break;
            }
            if let Some(outcome) = self.core.outcome() {
                return outcome.clone();
            }
            self.obey();
            if self.core.outcome().is_some() {
                continue;
            }
            if turn < TURN && self.take_message() {
                turn += 1;
                continue;
            }
            turn = 0;
            match self.core.step() {
                Step::Launch(launch) => {
                    // The start is on its way to the record before the node does anything.
                    if !self.flush().await {
                        break;
                    }
                    self.launch(*launch);
                    tokio::task::coop::consume_budget().await;
                }
                Step::Progress => {}
                Step::Wait if !self.core.outbox.is_empty() || self.core.outcome().is_some() => {}
                Step::Wait => self.wait().await,
            }
        }
        self.core.outcome().cloned().unwrap_or_else(|| RunOutcome::new(RunStatus::Running))
    }

    /// Hands the queued events to the sink. False: it takes no more, the run is given up.
    async fn flush(&mut self) -> bool {
        if self.core.outbox.is_empty() {
            return true;
        }
        for event in std::mem::take(&mut self.core.outbox) {
            if let Err(closed) = self.sink.emit(event).await {
                self.core.abandon(Some(closed.to_string()));
                return false;
            }
        }
        true
    }

    fn obey(&mut self) {
        match self.control.urgent() {
            Some(Order::Stop(reason)) => self.core.abort(StopCause::Request, reason),
            Some(_) => self.core.abandon(None),
            None => {
                if !self.pause_seen
                    && let Some(Order::Pause(message)) = self.control.pause()
                {
                    self.pause_seen = true;
                    self.core.pause(message);
                }
            }
        }
    }

    /// Handles one message and everything due; false when there was nothing.
    fn take_message(&mut self) -> bool {
        if self.core.next_deadline().is_some_and(|at| at <= Instant::now()) {
            self.core.fire(Instant::now());
            return true;
        }
        let Some(message) = self.inbox.pop_front().or_else(|| self.receiver.try_recv().ok()) else { return false };
        self.handle(message);
        true
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Chunk { token, attempt, chunk } => self.core.chunk(token, attempt, chunk),
            Message::Done { token, attempt, result } => self.core.done(token, attempt, result),
            Message::SinkClosed(error) => self.core.abandon(Some(error)),
        }
    }

    async fn wait(&mut self) {
        let deadline = self.core.next_deadline();
        let due = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let pause = async {
            match self.pause_seen {
                false => self.control.asked.cancelled().await,
                true => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.control.urged.cancelled() => {}
            () = pause => {}
            message = self.receiver.recv() => self.inbox.extend(message),
            () = due => {}
        }
    }

    /// Runs a node: here as far as it goes without waiting, then in a task of its own.
    fn launch(&mut self, launch: Launch) {
        let (token, attempt) = (launch.token, launch.attempt);
        let mut future = self.attempt(launch);
        let mut context = Context::from_waker(Waker::noop());
        match future.as_mut().poll(&mut context) {
            Poll::Ready(message) => {
                // What the node sent before its end comes first.
                while let Ok(sent) = self.receiver.try_recv() {
                    self.inbox.push_back(sent);
                }
                self.inbox.push_back(message);
            }
            Poll::Pending => {
                let sender = self.sender.clone();
                let task = self.tracker.spawn(async move {
                    let message = future.await;
                    // A run that has ended needs no result.
                    let _ = sender.send(message).await;
                });
                self.core.attach(token, attempt, AbortOnDropHandle::new(task));
            }
        }
    }

    fn attempt(&self, launch: Launch) -> Attempt {
        let Launch { token, attempt, runner, node, node_run_id, frame, pool, answer, cancel, barrier } = launch;
        let sink = barrier.then(|| Arc::clone(&self.sink));
        let name = Arc::clone(&node);
        let cx = NodeContext {
            run: self.core.run_info(),
            node,
            node_run_id,
            attempt,
            frame,
            pool,
            chunks: ChunkSender::of_run(self.sender.clone(), token, attempt),
            answer,
            cancel,
        };
        let work = async move {
            if let Some(sink) = sink
                && let Err(closed) = sink.barrier().await
            {
                return Message::SinkClosed(closed.to_string());
            }
            let result = runner.run(cx).await.map(Box::new);
            Message::Done { token, attempt, result }
        };
        Box::pin(AssertUnwindSafe(work).catch_unwind().map(move |ended| {
            ended.unwrap_or_else(|panic| Message::Done { token, attempt, result: Err(panicked(&name.id, &*panic)) })
        }))
    }
}

fn panicked(node: &str, panic: &(dyn Any + Send)) -> Box<NodeFailure> {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    tracing::error!(node, panic = %text, "a node panicked");
    let mut failure = NodeFailure::new("InternalError", format!("internal error in node {node}: {text}"));
    failure.retry_useless = true;
    failure
}

impl Core {
    pub(super) fn run_info(&self) -> Arc<crate::RunInfo> {
        Arc::clone(&self.info)
    }

    /// Keeps the task of an attempt with its execution.
    fn attach(&mut self, token: super::Token, attempt: u32, task: AbortOnDropHandle<()>) {
        if let Some(execution) = self.executions.get_mut(&token)
            && execution.attempt == attempt
        {
            execution.task = Some(task);
        }
    }
}
