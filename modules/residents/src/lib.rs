//! kabinet-residents
