//! kabinet-billing
