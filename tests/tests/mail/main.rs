//! Letters: exactly those whose transaction committed, over a real mail server and into the demo's mailbox.

mod captcha;
mod delivery;
mod mailbox;
mod secrets;
mod stage;
mod tls;
