//! kabinet-server
