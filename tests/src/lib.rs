//! kabinet-tests
