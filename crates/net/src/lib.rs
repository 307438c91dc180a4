//! Outgoing HTTP, and connections for mail: the only client factory of Oxidify, with the address guard.
//!
//! Every byte that leaves the process because a user, a model or a document asked for it goes through
//! [`Egress::send`], which names the [`Class`] of the caller. It is not a general HTTP library, and it
//! knows no vendor. Invariants: a URL is checked and dialled from one parse; every address a name
//! stands for is checked and exactly those are dialled; a redirect is a new call with all the checks;
//! credentials never follow to another origin; every call has limits for time and size; environment
//! proxies are ignored; a refusal says its reason and the setting that would change it.

mod address;
mod calls;
mod channel;
mod client;
mod connect;
mod dial;
mod error;
mod forward;
mod guard;
mod name;
mod policy;
mod redirect;
mod request;
mod resolve;
mod rules;
mod squid;
mod target;
mod tls;
mod told;
mod unzip;

pub use address::local_addresses;
pub use calls::CallSettings;
pub use channel::Channel;
pub use client::Egress;
pub use dial::{Dialed, Dialer, SystemDialer};
pub use error::{Denied, NetError, Phase, Reason};
pub use forward::{Access, AccessLog, ForwardConfig, ForwardProxy};
pub use guard::Pinned;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
pub use name::DomainRule;
pub use policy::{Class, Mode, OwnService, Policy, Upstream};
pub use request::{Limits, Request, Response};
pub use resolve::{NameServers, Resolved, Resolver, Search, SystemResolver};
pub use rules::{Delegation, Destination, MAX_DESTINATIONS, NoDestination, Rules};
pub use squid::{Squid, SquidError};
pub use target::{Target, TargetHost};
pub use tls::{Profile, Verify, install_crypto_provider};
pub use told::Caller;
