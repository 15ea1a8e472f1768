//! kabinet-meters
