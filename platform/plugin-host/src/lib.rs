//! Tariff plugins: WebAssembly components checked, compiled and run within limits.

pub mod api;
