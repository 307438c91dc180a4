//! What the reference says is shown, computed naively.

use super::*;

/// What a running node does next.
#[derive(Clone, Debug)]
enum Step {
    Chunk(&'static str, bool),
    Done,
    Fail,
}

/// A graph while it runs.
struct Frame<'a> {
    net: &'a Net,
    /// The frame and the node it belongs to, and its round.
    parent: Option<(usize, usize, usize)>,
    taken: BTreeSet<usize>,
    dead: BTreeSet<usize>,
    skipped: BTreeSet<usize>,
    /// In the queue, running or done.
    ready: BTreeSet<usize>,
    live: usize,
    /// Of each response node: of each path from the beginning, the edges that hold back.
    paths: Vec<(usize, Vec<Vec<usize>>)>,
    activated: BTreeSet<usize>,
    waiting: VecDeque<usize>,
    /// The response node that shows, its next part, and how much of that part's stream was shown.
    active: Option<(usize, usize, usize)>,
    streams: BTreeMap<(String, String), Vec<(&'static str, bool)>>,
    closed: BTreeSet<String>,
}

impl<'a> Frame<'a> {
    fn new(net: &'a Net, parent: Option<(usize, usize, usize)>) -> Self {
        let mut paths: BTreeMap<usize, Vec<Vec<usize>>> = BTreeMap::new();
        let mut open = vec![(0_usize, Vec::<usize>::new())];
        // Edges go upwards, so every walk is a simple path.
        while let Some((node, path)) = open.pop() {
            if net.is_response(node) {
                let held = path.iter().copied().filter(|edge| holds_back(net, net.edges[*edge].0, node));
                paths.entry(node).or_default().push(held.collect());
            }
            for edge in net.outgoing(node) {
                open.push((net.edges[edge].1, [path.clone(), vec![edge]].concat()));
            }
        }
        let paths = net.order.iter().filter_map(|node| Some((*node, paths.remove(node)?))).collect();
        Self {
            net,
            parent,
            taken: BTreeSet::new(),
            dead: BTreeSet::new(),
            skipped: BTreeSet::new(),
            ready: BTreeSet::new(),
            live: 0,
            paths,
            activated: BTreeSet::new(),
            waiting: VecDeque::new(),
            active: None,
            streams: BTreeMap::new(),
            closed: BTreeSet::new(),
        }
    }
}

/// §6.2: whether edges that leave `tail` hold back `response`.
fn holds_back(net: &Net, tail: usize, response: usize) -> bool {
    match net.sort(tail) {
        Some(Sort::Answer | Sort::End | Sort::Loop { .. } | Sort::Branch { .. }) => true,
        Some(Sort::Assigner { variable }) => {
            net.parts[response].contains(&Part::Variable("conversation".into(), format!("c{variable}")))
        }
        _ => net.choices(tail).is_some(),
    }
}

pub(super) struct Model<'a> {
    frames: Vec<Frame<'a>>,
    queue: VecDeque<(usize, usize)>,
    running: BTreeMap<String, (usize, usize, VecDeque<Step>)>,
    values: BTreeMap<(String, String), String>,
    known: BTreeSet<String>,
    workers: usize,
    pub(super) answer: Option<String>,
    pub(super) exceptions: usize,
    pub(super) out: Vec<String>,
}

impl<'a> Model<'a> {
    pub(super) fn run(case: &'a Case) -> Self {
        let mut values = BTreeMap::new();
        for (node, name, value) in
            [("sys", "query", QUERY), ("conversation", "c0", "old"), ("conversation", "c1", "older")]
        {
            values.insert((node.to_owned(), name.to_owned()), value.to_owned());
        }
        let (mut nodes, mut edges) = (Vec::new(), Vec::new());
        case.net.write(None, &mut nodes, &mut edges);
        let mut model = Self {
            frames: vec![Frame::new(&case.net, None)],
            queue: VecDeque::new(),
            running: BTreeMap::new(),
            values,
            known: nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect(),
            workers: case.workers,
            answer: None,
            exceptions: 0,
            out: Vec::new(),
        };
        model.enqueue(0, 0);
        for pick in case.picks.iter().cycle() {
            model.start_all();
            let waiting: Vec<String> = model.running.keys().cloned().collect();
            if waiting.is_empty() {
                break;
            }
            model.step(&waiting[pick % waiting.len()]);
        }
        model
    }

    fn enqueue(&mut self, frame: usize, node: usize) {
        self.frames[frame].ready.insert(node);
        self.frames[frame].live += 1;
        self.queue.push_back((frame, node));
    }

    /// Starts what is first in the queue as long as there is a worker for it; containers need none.
    fn start_all(&mut self) {
        while let Some(&(frame, node)) = self.queue.front() {
            let net = self.frames[frame].net;
            let is_free = matches!(net.sort(node), Some(Sort::Loop { .. })) || (frame > 0 && node == 0);
            if !is_free && self.running.len() >= self.workers {
                return;
            }
            self.queue.pop_front();
            self.start(frame, node);
        }
    }

    fn start(&mut self, frame: usize, node: usize) {
        let net = self.frames[frame].net;
        let id = net.id(node);
        if node == 0 {
            // The beginning of a container's graph is not told.
            if frame == 0 {
                self.out.push(format!("start {id}"));
            }
            self.activate(frame);
            return self.complete(frame, node);
        }
        self.out.push(format!("start {id}"));
        let steps: Vec<Step> = match &net.sorts[node] {
            Sort::Code => vec![Step::Done],
            Sort::Model { pieces, .. } => {
                let pieces = PIECES[..*pieces].iter().map(|piece| Step::Chunk(piece, false));
                pieces.chain([Step::Chunk("", true), Step::Done]).collect()
            }
            Sort::Broken { begun: true, .. } => vec![Step::Chunk("half", false), Step::Fail],
            Sort::Broken { .. } => vec![Step::Fail],
            Sort::Loop { inner, .. } => {
                self.out.push(format!("loop {id} begins"));
                return self.round(frame, node, inner, 0);
            }
            Sort::Assigner { variable } => {
                self.set("conversation", &format!("c{variable}"), format!("of {id}"));
                return self.complete(frame, node);
            }
            Sort::Answer => {
                let text: String = net.parts[node].iter().map(|part| self.rendered(part)).collect();
                self.set(&id, "answer", text);
                return self.complete(frame, node);
            }
            Sort::End => {
                let parts = net.parts[node].iter();
                let values = parts.filter_map(|part| match part {
                    Part::Text(_) => None,
                    Part::Variable(from, name) => {
                        Some((name.clone(), self.values.get(&(from.clone(), name.clone())).cloned()))
                    }
                });
                for (name, value) in values.collect::<Vec<_>>() {
                    self.set(&id, &format!("end_{name}"), value.unwrap_or_default());
                }
                return self.complete(frame, node);
            }
            Sort::Branch { .. } => return self.complete(frame, node),
        };
        self.running.insert(id, (frame, node, steps.into()));
    }

    fn set(&mut self, node: &str, name: &str, value: String) {
        self.values.insert((node.to_owned(), name.to_owned()), value);
    }

    fn rendered(&self, part: &Part) -> String {
        match part {
            Part::Text(text) => text.clone(),
            Part::Variable(id, name) => {
                self.values.get(&(id.clone(), name.clone())).cloned().unwrap_or_else(|| format!("{id}.{name}"))
            }
        }
    }

    fn round(&mut self, frame: usize, node: usize, inner: &'a Net, round: usize) {
        self.values.retain(|(id, _), _| !id.starts_with(&inner.prefix));
        self.frames.push(Frame::new(inner, Some((frame, node, round))));
        self.enqueue(self.frames.len() - 1, 0);
    }

    fn step(&mut self, id: &str) {
        let (frame, node, steps) = self.running.get_mut(id).unwrap();
        let (frame, node, step) = (*frame, *node, steps.pop_front().unwrap());
        match step {
            Step::Chunk(text, is_final) => {
                let key = (id.to_owned(), "text".to_owned());
                self.frames[frame].streams.entry(key).or_default().push((text, is_final));
                self.flush(frame);
            }
            Step::Done | Step::Fail => {
                self.running.remove(id);
                let net = self.frames[frame].net;
                match &net.sorts[node] {
                    Sort::Code => self.set(id, "x", format!("value of {id}")),
                    Sort::Model { pieces, .. } => self.set(id, "text", PIECES[..*pieces].concat()),
                    Sort::Broken { strategy, .. } => {
                        self.exceptions += 1;
                        if *strategy == (OnError::Default { has_text: true }) {
                            self.set(id, "text", "instead".into());
                        }
                    }
                    _ => {}
                }
                self.complete(frame, node);
            }
        }
    }

    /// §3.2, from the first to the last step.
    fn complete(&mut self, frame: usize, node: usize) {
        let net = self.frames[frame].net;
        let id = net.id(node);
        self.frames[frame].closed.insert(id.clone());
        self.flush(frame);
        let chosen = match (net.sort(node), net.choices(node)) {
            (Some(Sort::Branch { way }), Some(choices)) => Some(choices[usize::from(!way)]),
            (Some(Sort::Broken { .. }), Some(choices)) => Some(choices[1]),
            (_, Some(choices)) => Some(choices[0]),
            _ => None,
        };
        let outgoing = net.outgoing(node);
        let (taken, left): (Vec<usize>, Vec<usize>) =
            outgoing.into_iter().partition(|edge| chosen.is_none_or(|chosen| net.handle(*edge) == chosen));
        let mut ready = Vec::new();
        for edge in left {
            self.skip(frame, edge, &mut ready);
        }
        self.flush(frame);
        for edge in taken {
            self.frames[frame].taken.insert(edge);
            self.look(frame, net.edges[edge].1, &mut ready);
            self.activate(frame);
        }
        for node in ready {
            self.enqueue(frame, node);
        }
        if net.sort(node) == Some(&Sort::Answer) {
            let text = self.values[&(id.clone(), "answer".to_owned())].clone();
            self.answer.get_or_insert_default().push_str(&text);
        }
        if frame == 0 || node > 0 {
            self.out.push(format!("end {id}"));
        }
        self.frames[frame].live -= 1;
        if self.frames[frame].live == 0
            && let Some((around, container, round)) = self.frames[frame].parent
        {
            self.round_over(around, container, round);
        }
    }

    fn round_over(&mut self, frame: usize, node: usize, round: usize) {
        let net = self.frames[frame].net;
        let Sort::Loop { rounds, inner } = &net.sorts[node] else { unreachable!() };
        let id = net.id(node);
        if round + 1 < *rounds {
            self.out.push(format!("loop {id} goes on"));
            return self.round(frame, node, inner, round + 1);
        }
        self.out.push(format!("loop {id} is over"));
        self.set(&id, "loop_round", rounds.to_string());
        self.complete(frame, node);
    }

    fn skip(&mut self, frame: usize, edge: usize, ready: &mut Vec<usize>) {
        self.frames[frame].dead.insert(edge);
        let net = self.frames[frame].net;
        let node = net.edges[edge].1;
        if net.incoming(node).iter().all(|edge| self.frames[frame].dead.contains(edge)) {
            self.frames[frame].skipped.insert(node);
            for edge in net.outgoing(node) {
                self.skip(frame, edge, ready);
            }
        } else {
            self.look(frame, node, ready);
        }
    }

    /// Whether a node waits for nothing any more.
    fn look(&mut self, frame: usize, node: usize, ready: &mut Vec<usize>) {
        let this = &mut self.frames[frame];
        let incoming = this.net.incoming(node);
        let is_known = incoming.iter().all(|edge| this.taken.contains(edge) || this.dead.contains(edge));
        if is_known && incoming.iter().any(|edge| this.taken.contains(edge)) && this.ready.insert(node) {
            ready.push(node);
        }
    }

    /// Response nodes with a free path join those that wait; one of them shows.
    fn activate(&mut self, frame: usize) {
        let this = &mut self.frames[frame];
        for (node, paths) in &this.paths {
            let is_free = paths.iter().any(|path| path.iter().all(|edge| this.taken.contains(edge)));
            if is_free && this.activated.insert(*node) {
                this.waiting.push_back(*node);
            }
        }
        self.flush(frame);
    }

    fn flush(&mut self, frame: usize) {
        loop {
            let this = &mut self.frames[frame];
            let net = this.net;
            let Some((node, at, shown)) = this.active.or_else(|| Some((this.waiting.pop_front()?, 0, 0))) else {
                return;
            };
            this.active = Some((node, at, shown));
            let Some(part) = net.parts[node].get(at) else {
                this.active = None;
                continue;
            };
            let (is_over, shown) = self.show(frame, node, part, at + 1 == net.parts[node].len(), shown);
            if !is_over {
                self.frames[frame].active = Some((node, at, shown));
                return;
            }
            self.frames[frame].active = Some((node, at + 1, 0));
        }
    }

    /// §6.3: shows what there is of a part; whether that is all, and how much of its stream was shown.
    fn show(&mut self, frame: usize, node: usize, part: &Part, is_last: bool, shown: usize) -> (bool, usize) {
        let this = &self.frames[frame];
        let own = this.net.id(node);
        let (id, name) = match part {
            Part::Text(text) => {
                self.out.push(chunk(&own, &own, "answer", text, is_last));
                return (true, 0);
            }
            Part::Variable(id, name) => (id, name),
        };
        if this.skipped.iter().any(|skipped| this.net.id(*skipped) == *id) {
            return (true, 0);
        }
        if let Some(stream) = this.streams.get(&(id.clone(), name.clone())) {
            for (text, is_final) in &stream[shown..] {
                self.out.push(chunk(id, id, name, text, *is_final));
            }
            let is_over = stream.iter().any(|(_, is_final)| *is_final) || this.closed.contains(id);
            return (is_over, stream.len());
        }
        let Some(value) = self.values.get(&(id.clone(), name.clone())) else { return (false, 0) };
        let owner = if self.known.contains(id) { id } else { &own };
        self.out.push(chunk(owner, id, name, value, true));
        (true, 0)
    }
}
