//! Words that stand in the other company's rows only, and where they may not be met: in answers, letters, files, the
//! log.

use std::collections::{BTreeSet, HashSet};

use kabinet_tests::company::Package;
use kabinet_tests::pdf::Pdf;
use kabinet_tests::{Response, Server, block_on};
use uuid::Uuid;

use super::company::{Column, Company};
use crate::elsewhere::unpacked;

/// Stands in every text of the other company that people wrote.
pub(super) const CANARY: &str = "Zqvx7e57";
/// A month that only the other company has billed.
const THEIR_MONTH: i32 = 202_401;

/// Texts of the schema that the platform itself reads: codes, digests, JSON, what identifies. Every other text is what
/// people wrote, and gets a canary; a new column whose texts the platform reads belongs here.
const READ_BY_THE_PLATFORM: &str = "
    access action actor audience branch channel channels choices code config content_type credit debit detail email
    ended_reason external_id facts field figures hash host key_id kind limits link manifest mark media_type method
    module occasion oid payload posted_to problem purpose reason redirect_uri resource role rule section serial
    shares snapshot source state supplier terms topic trace unit value version
";

/// Such names end so, too.
const READ_ENDINGS: [&str; 3] = ["_key", "_hash", "_code"];
/// Tables whose texts the platform reads, whatever their names.
const READ_TABLES: [&str; 6] = ["audit", "brand_asset", "chat_update", "job", "plugin", "session"];
/// A column that people wrote all the same: the text of a receipt.
const WRITTEN: (&str, &str) = ("receipt_template", "source");

/// Gives the other company what the own one has not: houses by other codes, and a month of its own.
pub(super) fn set_apart(server: &Server, other: &Company) {
    let of = format!("tenant_id = (SELECT id FROM tenant WHERE slug = '{}')", other.slug);
    let sql = format!(
        "UPDATE house SET code = 'Z' || code WHERE {of};
         UPDATE billing_run SET period = {THEIR_MONTH}
         WHERE {of} AND period = (SELECT min(period) FROM billing_run WHERE {of});
         UPDATE receipt SET period = {THEIR_MONTH}
         WHERE {of} AND run_id IN (SELECT id FROM billing_run WHERE {of} AND period = {THEIR_MONTH})"
    );
    block_on(server.database.past_the_platform(&sql));
    // A file beside what is written first; nobody asks for its bytes.
    let file = "INSERT INTO request_file (tenant_id, id, request_id, entry_id, name, media_type, bytes, width, height)
                SELECT e.tenant_id, $2, e.request_id, e.id, 'photo.png', 'image/png', 10, 1, 1 FROM request_entry e
                WHERE e.tenant_id = $1 ORDER BY e.id LIMIT 1";
    other.change(file, vec![Uuid::from_u128(0x0193_a1c0_0000_7000_8000_0000_0000_00fd).into()]);
}

/// What may not be met.
pub(super) struct Canaries {
    words: Vec<String>,
    /// What identifies something.
    known: Vec<String>,
    identifiers: HashSet<Uuid>,
    /// What the own people have written themselves: from then on it is theirs to see.
    written: HashSet<String>,
}

impl Canaries {
    /// Writes the canary into all that people of the other company wrote. What identifies something of it may not be
    /// met either, `known` among it.
    pub(super) fn plant(server: &Server, other: &Company, own: &Company, known: &[String]) -> Self {
        let columns = other.columns();
        let tables: BTreeSet<&str> = columns.iter().map(|column| column.table.as_str()).collect();
        let of = format!("WHERE tenant_id = (SELECT id FROM tenant WHERE slug = '{}')", other.slug);
        let mut statements =
            vec![format!("UPDATE tenant SET name = name || ' {CANARY}' WHERE slug = '{}'", other.slug)];
        for table in tables {
            let written = columns.iter().filter(|column| column.table == table && is_written(column));
            let set: Vec<String> = written.map(|column| planted(&column.name)).collect();
            if !set.is_empty() {
                statements.push(format!("UPDATE {table} SET {} {of}", set.join(", ")));
            }
        }
        let there = |name: &&str| columns.iter().any(|column| column.is_text() && column.name == **name);
        let gone: Vec<&str> = READ_BY_THE_PLATFORM.split_whitespace().filter(|name| !there(name)).collect();
        assert!(gone.is_empty() && statements.len() > 20, "no texts of the schema: {gone:?}; {statements:#?}");
        block_on(server.database.past_the_platform(&statements.join("; ")));
        let own: HashSet<String> = own.identifiers(u32::MAX >> 1).into_iter().map(|(_, id)| id).collect();
        let theirs = other.identifiers(u32::MAX >> 1).into_iter().map(|(_, id)| id).filter(|id| !own.contains(id));
        let mut words = vec![CANARY.to_owned()];
        words.extend(said_by_its_package(server, &other.slug));
        // Short ones may stand in any text.
        let known = known.iter().filter(|word| word.chars().count() > 7).cloned().collect();
        Self { words, known, identifiers: theirs.filter_map(|id| id.parse().ok()).collect(), written: HashSet::new() }
    }

    /// Somebody of the own company has written this, and it was taken.
    pub(super) fn write(&mut self, value: &str) {
        // A secret may have an identifier in it.
        self.written.extend(identifiers(value).map(|id| id.to_string()));
        self.written.insert(value.to_owned());
    }

    /// What of the other company stands in an answer to somebody who asked with `asked`.
    pub(super) fn met(&self, answer: &Response, asked: &str) -> Option<String> {
        self.texts(answer).iter().find_map(|text| self.met_in(text, asked))
    }

    /// The words of the other company in a text that may name what was asked for.
    pub(super) fn word_in(&self, text: &str) -> Option<&String> {
        self.words.iter().find(|word| text.contains(word.as_str()))
    }

    /// What of the other company stands in a text for somebody who asked with `asked`, which may be repeated.
    pub(super) fn met_in(&self, text: &str, asked: &str) -> Option<String> {
        let told = |word: &str| !asked.contains(word) && !self.written.contains(word);
        let mut words = self.words.iter().chain(&self.known);
        let word = words.find(|word| told(word) && text.contains(word.as_str()));
        let mut ids = identifiers(text).filter(|id| self.identifiers.contains(id)).map(|id| id.to_string());
        word.cloned().or_else(|| ids.find(|id| told(id)))
    }

    /// The readable texts of an answer: of a PDF what is printed, of an archive what its files say.
    fn texts(&self, answer: &Response) -> Vec<String> {
        let mut texts: Vec<String> = answer.headers.iter().map(|(_, value)| value.clone()).collect();
        match answer.body.as_slice() {
            body if body.starts_with(b"%PDF") && body.len() > 64 => texts.push(Pdf::new(body).text()),
            body if body.starts_with(b"PK\x03\x04") => texts.push(unpacked(body)),
            _ => texts.push(answer.text()),
        }
        texts
    }
}

fn is_written(column: &Column) -> bool {
    let (table, name) = (column.table.as_str(), column.name.as_str());
    let read = READ_TABLES.contains(&table)
        || READ_ENDINGS.iter().any(|end| name.ends_with(end))
        || READ_BY_THE_PLATFORM.split_whitespace().any(|known| known == name);
    column.is_text() && (!read || (table, name) == WRITTEN)
}

fn planted(column: &str) -> String {
    format!("{column} = CASE WHEN {column} <> '' THEN {column} || ' {CANARY}' ELSE {column} END")
}

/// What only this company's pages may say, by its own package and the demo's logins.
fn said_by_its_package(server: &Server, slug: &str) -> Vec<String> {
    let (package, facts) = (Package::read(slug), server.facts().company(slug));
    let mut said = vec![package.name, package.contacts.phone, package.contacts.email];
    said.extend(package.receipt_kinds.iter().map(|kind| kind.supplier.settlement_account.clone()));
    said.extend(facts.unlinked.iter().map(|account| account.account.clone()));
    said.extend([facts.resident.email.clone(), facts.admin.email.clone()]);
    said
}

/// The identifiers in a text.
fn identifiers(text: &str) -> impl Iterator<Item = Uuid> + '_ {
    let bytes = text.as_bytes();
    let dashes = text.match_indices('-').filter_map(move |(at, _)| bytes.get(at.checked_sub(8)?..at + 28));
    dashes.filter_map(|piece| Uuid::try_parse_ascii(piece).ok())
}

#[test]
fn only_what_was_asked_for_or_written_may_be_repeated() {
    let id = Uuid::from_u128(0x0193_a1c0_0000_7000_8000_0000_0000_00fd);
    let (words, known, identifiers) = (vec![CANARY.to_owned()], vec!["7401000152".to_owned()], HashSet::from([id]));
    let mut canaries = Canaries { words, known, identifiers, written: HashSet::new() };
    let text = format!("нет счёта 7401000152, есть {id}");
    assert_eq!(canaries.met_in(&text, "7401000199").as_deref(), Some("7401000152"));
    assert_eq!(canaries.met_in(&text, "7401000152"), Some(id.to_string()));
    canaries.write(&id.to_string());
    assert_eq!(canaries.met_in(&text, "7401000152"), None);
    assert_eq!(canaries.met_in(&text, "").as_deref(), Some("7401000152"), "it was asked for in another call");
    assert_eq!(canaries.met_in(&format!("{text} {CANARY}"), "7401000152").as_deref(), Some(CANARY));
}

#[test]
fn an_identifier_is_found_wherever_it_stands() {
    let id = "0193a1c0-0000-7000-8000-0000000000fd";
    let found: Vec<String> = identifiers(&format!("é-{id}&x={id}-no")).map(|id| id.to_string()).collect();
    assert_eq!(found, [id, id]);
}
