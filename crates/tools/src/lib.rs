//! Tools: what models and workflows can do in the world.
//!
//! Three kinds: providers that come with this program ([`builtin`], a registry of data with one file each), operations
//! that an OpenAPI document describes ([`openapi`]), and tools of MCP servers ([`mcp`]). All of them show themselves as
//! a [`ToolView`] and answer in [`ox_nodes::CallMessage`]s.
//! What this crate is not: it knows no workspace, no database and no secret of its own; credentials come with a call.
//! Invariants: every call leaves by `ox_net` under the class `tool`, with limits for time and size; an answer of a
//! foreign server is never trusted to be small, well-formed or to end; input that cannot be read is one clear error.

pub mod builtin;
mod call;
pub mod mcp;
pub mod openapi;
pub mod space;
mod spec;
mod view;

pub use call::{Arguments, Call, World};
pub use spec::{Choice, Field, Parameter, Provider, Text, Tool};
pub use view::{FieldView, OptionView, ParameterView, ToolView};
