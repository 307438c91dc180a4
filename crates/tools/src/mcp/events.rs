//! Server-sent events, piece by piece.

/// Most bytes of one event.
const MAX_EVENT: usize = 6 * 1024 * 1024;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// `message` when it says none.
    pub name: String,
    pub data: String,
    pub id: Option<String>,
}

/// Takes bytes as they come and gives events as they end.
#[derive(Debug, Default)]
pub struct Reader {
    rest: Vec<u8>,
    /// So much of the rest has no line end.
    looked: usize,
    event: Event,
    has_data: bool,
}

impl Reader {
    /// The events that end in this piece.
    ///
    /// # Errors
    /// When an event is too large.
    pub fn take(&mut self, piece: &[u8]) -> Result<Vec<Event>, String> {
        self.rest.extend_from_slice(piece);
        let mut events = Vec::new();
        let mut from = 0;
        let mut at = self.looked;
        while let Some(length) = self.rest.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n')) {
            let line = self.rest.get(from..at + length).unwrap_or_default();
            let line = String::from_utf8_lossy(line).trim_end_matches('\r').to_owned();
            at += length + 1;
            from = at;
            events.extend(self.line(&line));
        }
        self.rest.drain(..from);
        self.looked = self.rest.len();
        if self.rest.len() + self.event.data.len() > MAX_EVENT {
            return Err(format!("an event is larger than {} MB", MAX_EVENT / 1024 / 1024));
        }
        Ok(events)
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            let ended = std::mem::take(&mut self.has_data) || event.id.is_some();
            return ended.then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            "id" => self.event.id = Some(value.to_owned()),
            _ => {}
        }
        None
    }
}
