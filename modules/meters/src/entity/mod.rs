//! Rows of the module's tables.
#![allow(missing_docs, reason = "columns are described by the migration and the domain's glossary")]

pub mod meter;
pub mod reading;

kabinet_core::tenant_entities!(meter, reading);
