//! Every operation and every page, asked with the other company's identifiers at every place where one can stand:
//! the answer is that for an identifier that nobody has, byte for byte, and nothing of the other company changes or
//! shows. The probes are made from the OpenAPI document and the portal's table of pages, so a new route is probed by
//! itself. The small form runs with the suite; `make stress-isolation` asks for all of it.

use std::collections::BTreeMap;

use kabinet_core::Tx;
use kabinet_server::App;
use kabinet_tests::company::Package;
use kabinet_tests::server::NOW;
use kabinet_tests::world::{self, in_company};
use kabinet_tests::{Browser, Database, Kind, Response, Server, block_on, on_both_databases};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::Value;
use uuid::Uuid;

use crate::samples;

on_both_databases![what_is_the_other_companys_is_answered_like_nothing];

const OWN: &str = "beregovoy";
const OTHER: &str = "teploset";
/// An identifier that nobody has.
const NOBODYS: &str = "0193a1c0-0000-7000-8000-0000000000ff";
/// Another one, for the places that are not probed.
const ELSEWHERE: &str = "0193a1c0-0000-7000-8000-0000000000fe";
/// What works by itself at the other company meanwhile.
const MOVES: [&str; 4] = ["audit_link", "daily_job", "job_payload", "session"];
/// What ends the session that asks, or begins another: there is nothing to be found there.
const ENDS: [&str; 3] = ["/session", "/logout", "/settings/delete"];
/// What identifiers in bodies are mostly of.
const COMMON: [&str; 6] = ["account", "meter", "house", "resident", "billing_run", "request"];

fn what_is_the_other_companys_is_answered_like_nothing(kind: Kind) {
    let probes = probe(kind, 1, &["account", "meter"]);
    assert!(probes > 1000, "only {probes} probes");
}

#[test]
#[ignore = "takes long: make stress-isolation"]
fn everything_of_the_other_company_is_answered_like_nothing_on_sqlite() {
    assert!(probe(Kind::Sqlite, 4, &[]) >= 10_000);
}

#[test]
#[ignore = "takes long: make stress-isolation"]
fn everything_of_the_other_company_is_answered_like_nothing_on_postgresql() {
    assert!(probe(Kind::PostgreSql, 4, &[]) >= 10_000);
}

/// Probes with `each` identifiers of these tables of the other company, of every one where none is named; how many
/// probes that were.
fn probe(kind: Kind, each: u32, of: &[&str]) -> u32 {
    let server = Server::demo(Database::new(kind), NOW);
    let mut foreign = foreign_ids(&server, each);
    foreign.retain(|(table, _)| of.is_empty() || of.contains(&table.as_str()));
    let before = state(&server);
    let mut probes = Probes { canaries: canaries(&server), faults: Vec::new(), made: 0 };
    for mut role in roles(&server) {
        for address in addresses(&server) {
            address.probe(&mut role, &foreign, &mut probes);
        }
    }
    assert!(
        probes.faults.is_empty(),
        "{} faults: {:#?}",
        probes.faults.len(),
        &probes.faults[..probes.faults.len().min(20)]
    );
    for (table, rows) in state(&server) {
        assert_eq!(Some(&rows), before.get(&table), "{table} of the other company has changed");
    }
    let log = std::fs::read_to_string(server.log_file()).unwrap_or_default();
    // What the demo prints at its start are its logins.
    for line in log.lines().filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")) {
        assert!(probes.canaries.iter().all(|canary| !line.contains(canary)), "the log names somebody: {line}");
    }
    eprintln!("{kind}: {} probes with {} identifiers of {OTHER}", probes.made, foreign.len());
    probes.made
}

struct Probes {
    canaries: Vec<String>,
    faults: Vec<String>,
    made: u32,
}

/// Somebody of the own company.
struct Role {
    name: &'static str,
    browser: Browser,
    token: String,
    account: String,
    meter: String,
}

fn roles(server: &Server) -> Vec<Role> {
    let known = world::flat(server, OWN, 0);
    let mut holder = world::holder(server, OWN, &known).browser;
    let meters = holder.call("GET", "/api/v1/meters", None).expect(200).json();
    let meter = meters["meters"][0]["id"].as_str().expect("a meter");
    let role = |name, mut browser: Browser| Role {
        name,
        token: browser.page("/recover").one("[name=csrf]").attribute("value").expect("a token").to_owned(),
        browser,
        account: known.id.to_string(),
        meter: meter.to_owned(),
    };
    vec![role("a guest", server.browser(OWN)), role("the holder", holder), role("staff", server.staff(OWN))]
}

/// Where something can be asked for.
struct Address {
    method: String,
    /// `/accounts/{id}/absences`.
    path: String,
    /// Bodies to be sent; one without any where it takes none.
    bodies: Vec<Option<Value>>,
    page: bool,
}

fn addresses(server: &Server) -> Vec<Address> {
    let document = server.browser(OWN).get("/api/openapi.json").expect(200).json();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let mut bodies =
                vec![samples::body(&document, operation, false), samples::body(&document, operation, true)];
            bodies.dedup();
            all.push(Address { method: method.to_uppercase(), path: path.clone(), bodies, page: false });
        }
    }
    let app = block_on(App::open(server.database.config(NOW))).expect("the platform");
    for pattern in app.page_paths() {
        let segments = pattern.split('/').map(|part| match part.strip_prefix(':') {
            Some(name) => format!("{{{name}}}"),
            None => part.to_owned(),
        });
        let path = segments.collect::<Vec<_>>().join("/");
        for method in ["GET", "POST"] {
            all.push(Address { method: method.to_owned(), path: path.clone(), bodies: vec![None], page: true });
        }
    }
    all.retain(|address| !ENDS.iter().any(|end| address.path.ends_with(end)));
    all
}

impl Address {
    /// Asks with each identifier at each place.
    fn probe(&self, role: &mut Role, foreign: &[(String, String)], probes: &mut Probes) {
        let places = self.path.matches('{').count();
        for place in 0..places {
            for body in &self.bodies {
                let none = self.ask(role, &self.path_with(role, place, NOBODYS), body.as_ref());
                for (table, id) in foreign {
                    let theirs = self.ask(role, &self.path_with(role, place, id), body.as_ref());
                    self.compare(role, table, (id, &theirs), &[&none], probes);
                }
            }
        }
        let path = self.path_with(role, usize::MAX, "");
        for body in self.bodies.iter().flatten() {
            for at in samples::texts(body) {
                // What is carried out may not be carried out twice: the answer is that before or after it.
                let nobodys = samples::with(body, &at, NOBODYS);
                let mut before = self.ask(role, &path, Some(&nobodys));
                for (table, id) in foreign.iter().filter(|(table, _)| COMMON.contains(&table.as_str())) {
                    let theirs = self.ask(role, &path, Some(&samples::with(body, &at, id)));
                    let after = self.ask(role, &path, Some(&nobodys));
                    self.compare(role, &format!("{table} at {at}"), (id, &theirs), &[&before, &after], probes);
                    before = after;
                }
            }
        }
    }

    /// The path with `id` at the place of this number and what is the role's own, or nobody's, at the others.
    fn path_with(&self, role: &Role, place: usize, id: &str) -> String {
        let (mut path, mut number, mut before) = (String::new(), 0, "");
        for part in self.path.split('/').skip(1) {
            path.push('/');
            if let Some(name) = part.strip_prefix('{') {
                let own = match (before, name.trim_end_matches('}')) {
                    ("accounts", _) => role.account.as_str(),
                    ("meters", _) => role.meter.as_str(),
                    (_, "period" | "from") => "2026-10",
                    _ => ELSEWHERE,
                };
                path.push_str(if number == place { id } else { own });
                number += 1;
            } else {
                path.push_str(part);
            }
            before = part;
        }
        path
    }

    fn ask(&self, role: &mut Role, path: &str, body: Option<&Value>) -> Response {
        // Limits count by address: here nobody is to be limited.
        role.browser.from = world::fresh_ip();
        match (self.page, self.method.as_str()) {
            (true, "POST") => role.browser.post(path, &[("csrf".to_owned(), role.token.clone())]),
            (true, _) => role.browser.get(path),
            (false, method) => role.browser.call(method, path, body),
        }
    }

    fn compare(
        &self,
        role: &Role,
        what: &str,
        (id, theirs): (&str, &Response),
        none: &[&Response],
        probes: &mut Probes,
    ) {
        probes.made += 1;
        let said = told(theirs, id);
        let usual: Vec<_> = none.iter().map(|answer| told(answer, NOBODYS)).collect();
        let what = format!("{} {} for {} with a {what}", self.method, self.path, role.name);
        if !usual.contains(&said) {
            probes.faults.push(format!("{what}: {said:?}, not {usual:?}"));
        }
        let text = theirs.text();
        if let Some(canary) = probes.canaries.iter().find(|canary| text.contains(*canary)) {
            probes.faults.push(format!("{what} names {canary}"));
        }
    }
}

/// An answer without what differs between any two: the identifier that was asked for, form tokens, the request's own
/// number.
fn told(answer: &Response, id: &str) -> (u16, Vec<(String, String)>, String) {
    let (status, headers, body) = answer.fingerprint();
    let number = answer.header("x-request-id").expect("a number");
    let without = |text: &str| text.replace(id, "ID").replace(number, "REQUEST");
    (status, headers.into_iter().map(|(name, value)| (name, without(&value))).collect(), without(&body))
}

/// Tables of companies with their identifiers' column, where they have one.
fn tables(server: &Server) -> Vec<String> {
    block_on(async {
        let db = server.database.open().await;
        let backend = db.platform().get_database_backend();
        let sql = match server.database.kind {
            Kind::Sqlite => {
                "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c ON c.name = 'tenant_id'
                             WHERE m.type = 'table' ORDER BY 1"
            }
            Kind::PostgreSql => {
                "SELECT table_name AS name FROM information_schema.columns
                                 WHERE table_schema = 'public' AND column_name = 'tenant_id' ORDER BY 1"
            }
        };
        let rows = db.platform().query_all_raw(Statement::from_string(backend, sql)).await.expect("the catalogue");
        let name = |row: &sea_orm::QueryResult| row.try_get::<String>("", "name").expect("a name");
        let platforms = ["tenant_host", "job"];
        rows.iter().map(name).filter(|name| !platforms.contains(&name.as_str())).collect()
    })
}

#[derive(sea_orm::FromQueryResult)]
struct Id {
    id: Uuid,
}

/// Up to `each` identifiers of every table of the other company.
fn foreign_ids(server: &Server, each: u32) -> Vec<(String, String)> {
    let tables = tables(server);
    let mut found = Vec::new();
    for table in &tables {
        let sql = format!("SELECT id FROM {table} WHERE tenant_id = $1 ORDER BY id LIMIT {each}");
        let rows = in_company(server, OTHER, async |tx: &mut Tx| tx.rows::<Id>(&sql, Vec::new()).await);
        // A table without identifiers has none to probe with.
        found.extend(rows.into_iter().flatten().map(|row| (table.clone(), row.id.to_string())));
    }
    assert!(found.iter().any(|(table, _)| table == "account") && found.len() > 15, "{found:?}");
    found
}

/// What lies in the other company's tables, by table: as many rows with such contents.
fn state(server: &Server) -> BTreeMap<String, String> {
    #[derive(sea_orm::FromQueryResult)]
    struct Digest {
        digest: String,
    }
    let tables = tables(server);
    let mut found = BTreeMap::new();
    for table in tables.into_iter().filter(|table| !MOVES.contains(&table.as_str())) {
        let digest = match server.database.kind {
            Kind::PostgreSql => format!(
                "SELECT COUNT(*)::text || ' ' || COALESCE(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '') AS digest
                 FROM {table} t WHERE t.tenant_id = $1"
            ),
            Kind::Sqlite => columns_digest(server, &table),
        };
        let rows = in_company(server, OTHER, async |tx: &mut Tx| tx.rows::<Digest>(&digest, Vec::new()).await);
        found.insert(table, rows.expect("a digest")[0].digest.clone());
    }
    found
}

/// SQLite has no digest of a row: its columns as one text, in order.
fn columns_digest(server: &Server, table: &str) -> String {
    let columns: Vec<String> = block_on(async {
        let db = server.database.open().await;
        let sql = format!("SELECT name FROM pragma_table_info('{table}')");
        let statement = Statement::from_string(db.platform().get_database_backend(), sql);
        let rows = db.platform().query_all_raw(statement).await.expect("columns");
        rows.iter().map(|row| format!("quote({})", row.try_get::<String>("", "name").expect("a name"))).collect()
    });
    format!(
        "SELECT COUNT(*) || ' ' || COALESCE(group_concat(row, char(10)), '') AS digest
         FROM (SELECT {} AS row FROM {table} WHERE tenant_id = $1 ORDER BY 1)",
        columns.join(" || ',' || ")
    )
}

/// What only the other company's pages may say.
fn canaries(server: &Server) -> Vec<String> {
    let package = Package::read(OTHER);
    let facts = server.facts().company(OTHER);
    let mut canaries = vec![package.name, package.contacts.phone, package.contacts.email];
    canaries.extend(package.receipt_kinds.iter().map(|kind| kind.supplier.settlement_account.clone()));
    canaries.extend(facts.unlinked.iter().map(|account| account.account.clone()));
    canaries.extend([facts.resident.email.clone(), facts.admin.email.clone()]);
    canaries
}
