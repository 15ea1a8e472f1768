//! What programs may ask.

pub(crate) mod admin;
pub(crate) mod catalogue;
pub(crate) mod portal;

use kabinet_core::PermissionKey;
use poem_openapi::Enum;

use crate::state::State;
use crate::topics::Kind;

/// May see requests and do everything with them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handle;

impl PermissionKey for Handle {
    const KEY: &'static str = "requests.handle";
}

/// May change the catalogue of paid services.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer;

impl PermissionKey for Offer {
    const KEY: &'static str = "requests.catalogue";
}

/// How a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
enum RequestState {
    New,
    Accepted,
    InWork,
    Waiting,
    Done,
    Declined,
}

impl From<State> for RequestState {
    fn from(state: State) -> Self {
        match state {
            State::New => Self::New,
            State::Accepted => Self::Accepted,
            State::InWork => Self::InWork,
            State::Waiting => Self::Waiting,
            State::Done => Self::Done,
            State::Declined => Self::Declined,
        }
    }
}

impl From<RequestState> for State {
    fn from(state: RequestState) -> Self {
        match state {
            RequestState::New => Self::New,
            RequestState::Accepted => Self::Accepted,
            RequestState::InWork => Self::InWork,
            RequestState::Waiting => Self::Waiting,
            RequestState::Done => Self::Done,
            RequestState::Declined => Self::Declined,
        }
    }
}

/// What kind a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
enum RequestKind {
    Appeal,
    Paid,
    Emergency,
}

impl From<Kind> for RequestKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Appeal => Self::Appeal,
            Kind::Paid => Self::Paid,
            Kind::Emergency => Self::Emergency,
        }
    }
}

impl From<RequestKind> for Kind {
    fn from(kind: RequestKind) -> Self {
        match kind {
            RequestKind::Appeal => Self::Appeal,
            RequestKind::Paid => Self::Paid,
            RequestKind::Emergency => Self::Emergency,
        }
    }
}

fn default_limit() -> u16 {
    24
}
