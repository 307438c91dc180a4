//! Models from outside: the wire of the OpenAI protocol, the scripted provider, the tables.

mod catalog;
mod openai;
mod scripted;
#[path = "../../../net/tests/it/server.rs"]
mod server;
