//! Which earlier messages belong to the branch of a conversation that a message continues.

use ox_db::model::Message;
use ox_types::MessageId;
use uuid::Uuid;

/// The parent of messages whose callers know no branches: whatever came before.
pub const ANY: MessageId = MessageId(Uuid::nil());

/// The messages that one with this parent continues, newest first, from all those before it, newest first: other
/// versions of its question, and what followed them, are left out.
#[must_use]
pub fn before(parent: Option<MessageId>, newest_first: Vec<Message>) -> Vec<Message> {
    let mut wanted = parent;
    let mut thread = Vec::new();
    for message in newest_first {
        let Some(id) = wanted else { break };
        if id == ANY || id == message.id {
            wanted = message.parent_message_id;
            thread.push(message);
        }
    }
    thread
}

/// The thread without failed messages, each continuing the next.
#[must_use]
pub fn remembered(mut thread: Vec<Message>) -> Vec<Message> {
    thread.retain(|message| message.status == "normal");
    let parents: Vec<MessageId> = thread.iter().skip(1).map(|message| message.id).collect();
    for (message, parent) in thread.iter_mut().zip(parents) {
        message.parent_message_id = Some(parent);
    }
    if let Some(first) = thread.last_mut() {
        first.parent_message_id = None;
    }
    thread
}
