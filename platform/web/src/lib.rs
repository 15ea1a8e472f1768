//! kabinet-web
