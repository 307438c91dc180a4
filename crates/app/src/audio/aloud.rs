//! An answer read out while it is made: `tts_message` events between the others, `tts_message_end` as the last.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::StreamExt as _;
use ox_models::{ModelRef, ModelRuntime as _, ModelScope, SpeechRequest, ends_sentence};
use tokio::sync::mpsc;

use crate::{
    AppCaller, Services,
    runs::{StreamBody, StreamEvent, Subscription, hub::Hub},
};

/// Pieces of text that wait for the voice.
const WAITING: usize = 64;
/// Characters from which a sentence is spoken by itself.
const SENTENCE: usize = 40;
/// Bytes of one audio event.
const PIECE: usize = 32 * 1024;

/// The voice of an app.
pub(crate) struct Reader {
    services: Arc<Services>,
    scope: ModelScope,
    model: ModelRef,
    voice: String,
}

impl Reader {
    pub fn new(services: &Arc<Services>, scope: ModelScope, model: ModelRef, voice: String) -> Self {
        Self { services: Arc::clone(services), scope, model, voice }
    }
}

/// The stream of a run with the app's voice in it, where the app reads its answers out.
pub(crate) async fn read_aloud(services: &Arc<Services>, caller: &AppCaller, run: Subscription) -> Subscription {
    let Some(reader) = super::auto_play(services, caller).await else { return run };
    let hub = Hub::going_on(run.head().clone(), 0);
    let heard = hub.subscribe();
    services.runs.tracker.spawn(play(reader, run, hub));
    heard
}

async fn play(reader: Reader, mut run: Subscription, hub: Arc<Hub>) {
    let (say, sentences) = mpsc::channel::<String>(WAITING);
    let voice = speak(&reader, sentences, &hub);
    let forward = async {
        // Dropped with this block: the voice ends when everything is said.
        let say = say;
        let mut text = String::new();
        loop {
            let event = match run.next().await {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(_) => {
                    run.skip_missed();
                    continue;
                }
            };
            hub.forward(&event);
            if let StreamBody::Text { text: piece, .. } = &event.body {
                text.push_str(piece);
                while let Some(sentence) = take_sentence(&mut text) {
                    // A voice that cannot keep up, or has failed, holds nothing up: what is left is said at the end.
                    if let Err(error) = say.try_send(sentence) {
                        text.insert_str(0, &error.into_inner());
                        break;
                    }
                }
            }
        }
        if !text.trim().is_empty() {
            let _ = say.send(text).await;
        }
    };
    futures::future::join(forward, voice).await;
    publish(&hub, StreamBody::Spoken { audio: "".into(), is_end: true });
    hub.close();
}

/// A whole sentence from the front of a text that grows.
fn take_sentence(text: &mut String) -> Option<String> {
    let mut count = 0;
    let end = text.char_indices().find_map(|(at, c)| {
        count += 1;
        (count >= SENTENCE && ends_sentence(c)).then_some(at + c.len_utf8())
    })?;
    let rest = text.split_off(end);
    Some(std::mem::replace(text, rest))
}

async fn speak(reader: &Reader, mut sentences: mpsc::Receiver<String>, hub: &Arc<Hub>) {
    while let Some(text) = sentences.recv().await {
        // Nobody but these two futures' own task listens any more.
        if Arc::strong_count(hub) <= 1 {
            return;
        }
        if let Err(error) = speak_one(reader, text, hub).await {
            tracing::warn!(%error, "an answer is not read out to its end");
            return;
        }
    }
}

async fn speak_one(reader: &Reader, text: String, hub: &Arc<Hub>) -> Result<(), ox_models::ModelError> {
    let request = SpeechRequest { model: reader.model.name.clone(), text, voice: reader.voice.clone() };
    let mut sound = reader.services.models.speak(&reader.scope, &reader.model, request).await?;
    let mut piece = Vec::new();
    while let Some(bytes) = sound.next().await {
        piece.extend_from_slice(&bytes?);
        if piece.len() >= PIECE {
            publish(
                hub,
                StreamBody::Spoken { audio: STANDARD.encode(std::mem::take(&mut piece)).into(), is_end: false },
            );
        }
    }
    if !piece.is_empty() {
        publish(hub, StreamBody::Spoken { audio: STANDARD.encode(&piece).into(), is_end: false });
    }
    Ok(())
}

/// Under the number of the event before it: who comes back after that one hears nothing twice.
fn publish(hub: &Hub, body: StreamBody) {
    let number = hub.last_number();
    hub.forward(&StreamEvent { number, at: chrono::Utc::now().timestamp(), body });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_taken_when_they_are_long_enough() {
        let mut text = "Short. This one makes the first piece long enough. And a rest".to_owned();
        assert_eq!(take_sentence(&mut text).as_deref(), Some("Short. This one makes the first piece long enough."));
        assert_eq!(text, " And a rest");
        assert_eq!(take_sentence(&mut text), None);
    }
}
