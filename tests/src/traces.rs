//! Where a text is found: in the database, the files beside it and the server's log. What a person has
//! deleted must be nowhere.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::postgres::Cluster;
use crate::server::Server;

/// Waits until none of the texts is found.
///
/// # Panics
/// When one of them still is after half a minute.
pub fn wait_until_nowhere(server: &Server, texts: &[&str]) {
    let begun = Instant::now();
    loop {
        let found = places_of(server, texts);
        if found.is_empty() {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "found: {found:?}");
        std::thread::sleep(Duration::from_millis(250));
    }
}

/// Where any of the texts is found.
#[must_use]
pub fn places_of(server: &Server, texts: &[&str]) -> Vec<String> {
    let mut places = Vec::new();
    // SQLite moves pages from its log into the database: who looks there second finds what has moved meanwhile.
    let (logs, others): (Vec<_>, Vec<_>) =
        files(&server.database.dir).into_iter().partition(|file| file.to_string_lossy().ends_with("-wal"));
    for file in logs.into_iter().chain(others).chain([server.log_file()]) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let inside = texts.iter().filter(|text| contains(&bytes, text.as_bytes()));
        places.extend(inside.map(|text| format!("{text} in {}", file.display())));
    }
    let Some(database) = &server.database.postgres else { return places };
    let run = |sql: &str| Cluster::shared().execute(&database.name, sql);
    for table in run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").lines().map(str::trim) {
        // The big tables of a run hold no people.
        if table.is_empty() || ["charge", "receipt_facts", "ledger_entry", "reading"].contains(&table) {
            continue;
        }
        let rows = run(&format!("SELECT t::text FROM {table} t"));
        for text in texts {
            if rows.contains(text) || rows.contains(&hex::encode(text)) {
                places.push(format!("{text} in {table}"));
            }
        }
    }
    places
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == text[0]) {
        if rest[at..].starts_with(text) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}
