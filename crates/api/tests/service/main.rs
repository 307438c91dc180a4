//! The Service API and published pages, case by case (service-api-cases.md), over HTTP.

mod chat;
mod conversations;
mod files;
mod keys;
mod recovery;
mod rig;
mod routes;
mod visitors;
mod workflows;
