//! The engine seen from outside: graphs in, event transcripts out.

mod fixtures;
mod limits;
mod model;
mod nodes;
mod recovery;
mod scene;
mod transcripts;
