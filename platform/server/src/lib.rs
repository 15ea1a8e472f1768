//! The server: configuration, composition root, listeners, command line, company packages, demo.

pub mod cli;
pub mod company;
pub mod composition;
pub mod config;
pub mod demo;
pub mod gosuslugi;
pub mod mail;
mod places;
pub mod serve;

pub use composition::App;
pub use config::Config;
