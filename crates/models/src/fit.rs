//! How a conversation was made to fit into a model's context window: what a trace tells of it.

use serde::Serialize;

use crate::Message;

/// What was left out for want of room. Tokens are counted here, offline: the provider may count a little differently.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WindowFit {
    /// Tokens that the model takes in all; nothing where nobody knows.
    pub context_size: Option<u64>,
    /// Tokens kept free for the answer.
    pub reserved_tokens: u64,
    /// Tokens there was room for, of what was counted.
    pub room_tokens: u64,
    /// Tokens before anything was left out.
    pub counted_tokens: u64,
    /// Tokens that stayed.
    pub kept_tokens: u64,
    /// Messages that were left out, the oldest first.
    pub dropped_messages: usize,
    /// Messages of which only the beginning stayed.
    pub shortened_messages: usize,
    /// Chunks of what was looked up that were left out, the last first; told where there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped_chunks: Option<usize>,
}

impl WindowFit {
    /// Whether what stayed has room.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.kept_tokens <= self.room_tokens
    }

    /// A message was shortened.
    pub fn shortened(&mut self, before: u64, after: u64) {
        self.kept_tokens = self.kept_tokens.saturating_sub(before).saturating_add(after);
        self.shortened_messages += 1;
    }

    /// Drops the oldest messages until the rest has room; one stays. Nothing to tell where all had room.
    ///
    /// Each message is counted once: a conversation is its messages and a constant.
    #[must_use]
    pub fn keep_newest(mut self, messages: &mut Vec<Message>, count: impl Fn(&[Message]) -> u64) -> Option<Self> {
        let constant = count(&[]);
        let one = |message: &Message| count(std::slice::from_ref(message)).saturating_sub(constant);
        let each: Vec<u64> = messages.iter().map(one).collect();
        self.counted_tokens = constant + each.iter().sum::<u64>();
        self.kept_tokens = self.counted_tokens;
        for tokens in each.iter().take(each.len().saturating_sub(1)) {
            if self.fits() {
                break;
            }
            self.kept_tokens = self.kept_tokens.saturating_sub(*tokens);
            self.dropped_messages += 1;
        }
        messages.drain(..self.dropped_messages);
        (self.dropped_messages > 0).then_some(self)
    }

    /// As JSON, with the wire's key order.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// How many from the first have room together.
#[must_use]
pub fn first_that_fit(each: &[u64], room: u64) -> usize {
    let mut sum = 0_u64;
    each.iter()
        .take_while(|tokens| {
            sum = sum.saturating_add(**tokens);
            sum <= room
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_first_stays_while_there_is_room() {
        for (each, room, kept) in [
            (vec![], 10, 0),
            (vec![4, 4, 2], 10, 3),
            (vec![4, 4, 3], 10, 2),
            // What comes after one that has no room stays out, small as it may be.
            (vec![4, 9, 1], 10, 1),
            (vec![11, 1], 10, 0),
            (vec![1, u64::MAX, u64::MAX], 10, 1),
        ] {
            assert_eq!(first_that_fit(&each, room), kept, "{each:?}");
        }
    }

    /// One for the conversation, and the letters of each message.
    fn letters(messages: &[Message]) -> u64 {
        1 + messages.iter().map(|message| message.plain_text().len() as u64).sum::<u64>()
    }

    #[test]
    fn the_oldest_go_until_the_rest_has_room() {
        for (room, left, told) in [
            (9, vec!["aa", "bbb", "cc"], None),
            (8, vec!["aa", "bbb", "cc"], None),
            (7, vec!["bbb", "cc"], Some((8, 6, 1))),
            (3, vec!["cc"], Some((8, 3, 2))),
            // One stays whatever the room.
            (0, vec!["cc"], Some((8, 3, 2))),
        ] {
            let mut messages: Vec<Message> = ["aa", "bbb", "cc"].into_iter().map(Message::user).collect();
            let fit = WindowFit { room_tokens: room, ..WindowFit::default() }.keep_newest(&mut messages, letters);
            let texts: Vec<String> = messages.iter().map(Message::plain_text).collect();
            assert_eq!(texts, left, "room for {room}");
            let fit = fit.map(|fit| (fit.counted_tokens, fit.kept_tokens, fit.dropped_messages));
            assert_eq!(fit, told, "room for {room}");
        }
        assert_eq!(WindowFit::default().keep_newest(&mut Vec::new(), letters), None);
    }

    #[test]
    fn wire_form() {
        let mut fit = WindowFit { context_size: Some(100), room_tokens: 80, kept_tokens: 90, ..WindowFit::default() };
        assert!(!fit.fits());
        fit.shortened(50, 10);
        assert!(fit.fits());
        assert_eq!(
            fit.to_json().to_string(),
            r#"{"context_size":100,"reserved_tokens":0,"room_tokens":80,"counted_tokens":0,"kept_tokens":50,"dropped_messages":0,"shortened_messages":1}"#
        );
    }
}
