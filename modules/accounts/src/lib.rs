//! kabinet-accounts
