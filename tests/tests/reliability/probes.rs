//! Every operation and every page, first as the company's own people use it, which must work, then with the other
//! company's things at every place where one can stand: the answer is that for a thing that nobody has, byte for byte,
//! and nothing of the other company changes or shows. The routes are those of the OpenAPI document and of the portal's
//! table of pages, so a new one is probed by itself, and fails here until its own people's call stands in [`own`]. The
//! small form runs with the suite; `make stress-isolation` asks for all of it, in both directions.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::time::{Duration, Instant};

use kabinet_server::App;
use kabinet_tests::server::NOW;
use kabinet_tests::{Database, Kind, Response, Server, block_on, on_both_databases};
use serde_json::Value;

use crate::samples;

mod answers;
mod calls;
mod canaries;
mod cast;
mod company;
mod foreign;
mod letters;
mod own;
mod things;
mod tokens;

use answers::{Told, only_looks};
use calls::{Call, Place};
use canaries::{CANARY, Canaries};
use cast::Cast;
use company::Company;
use foreign::Foreign;
use letters::Letters;

on_both_databases![what_is_the_other_companys_is_answered_like_nothing];

/// What stands for a thing that the own company has not.
const ELSEWHERE: &str = "0193a1c0-0000-7000-8000-0000000000fe";
/// What ends the session that asks, or begins another: there is nothing to be found there.
const ENDS: [&str; 3] = ["/session", "/logout", "/settings/delete"];
/// What a text may be taken for, whatever its name.
const COMMON: [&str; 6] = ["account", "meter", "house_id", "resident", "run", "request"];
/// How long jobs may take until what waits for them works.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// After so many probes of calls that write, letters are looked at: a few leave for each.
const LETTERS_EVERY: u32 = 25;
/// After so many, it is said how far it is.
const TOLD_EVERY: u32 = 500;
/// The cookie with what the next page tells of a form that was sent.
const MESSAGE: &str = "kabinet-message";

fn what_is_the_other_companys_is_answered_like_nothing(kind: Kind) {
    let companies = match kind {
        Kind::Sqlite => ["beregovoy", "teploset"],
        Kind::PostgreSql => ["teploset", "beregovoy"],
    };
    nothing_was_found(&[probe(kind, companies, Depth::Small)], 1000);
}

#[test]
#[ignore = "takes long: make stress-isolation"]
fn everything_of_the_other_company_is_answered_like_nothing_on_sqlite() {
    probe_both_ways(Kind::Sqlite);
}

#[test]
#[ignore = "takes long: make stress-isolation"]
fn everything_of_the_other_company_is_answered_like_nothing_on_postgresql() {
    probe_both_ways(Kind::PostgreSql);
}

fn probe_both_ways(kind: Kind) {
    let ways = [["beregovoy", "teploset"], ["teploset", "beregovoy"]];
    nothing_was_found(&ways.map(|companies| probe(kind, companies, Depth::Whole)), 10_000);
}

/// What came of probing: how many probes, and what was found.
struct Outcome {
    made: u32,
    faults: Vec<String>,
}

/// The first faults of each way are shown; all of them were told when they were found.
fn nothing_was_found(outcomes: &[Outcome], least: u32) {
    let made: u32 = outcomes.iter().map(|outcome| outcome.made).sum();
    let faults: usize = outcomes.iter().map(|outcome| outcome.faults.len()).sum();
    let few: Vec<&String> = outcomes.iter().flat_map(|outcome| outcome.faults.iter().take(20)).collect();
    assert!(faults == 0, "{faults} faults: {few:#?}");
    assert!(made >= least, "only {made} probes");
}

/// How much is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// A thing of the right kind at each place, by whoever may and by one of the others.
    Small,
    /// Things of every kind, by everybody.
    Whole,
}

/// Probes the own company's server with the other one's things.
fn probe(kind: Kind, [own, other]: [&str; 2], depth: Depth) -> Outcome {
    let server = Server::demo(Database::new(kind), NOW);
    let [own, mut other] = Company::both(&server.database, [own, other]);
    canaries::set_apart(&server, &other);
    leave_things(&server, &other);
    let friend = server.facts().company(&own.slug).resident.email.clone();
    other.tokens = tokens::given_out(&server, &other, &friend);
    let cast = Cast::of(&server, &own.slug, &other.slug);
    let foreign = foreign::all(&own, &other);
    let known = foreign.iter().filter(|foreign| foreign.identifies).map(|foreign| foreign.value.clone());
    let canaries = Canaries::plant(&server, &other, &own, &known.collect::<Vec<_>>());
    its_own_people_see_the_canary(&server, &other);
    let (before, beginning) = (other.settled_state(), log(&server).len());
    let (own, letters) = (Rc::new(own), Letters::of(&server, &other.slug, &friend));
    let (proven, refused, faults) = (HashSet::new(), HashMap::new(), Vec::new());
    let mut probes = Probes { own, cast, foreign, canaries, letters, depth, proven, refused, faults, made: 0 };
    probes.look_at_letters();
    let calls = probes.calls_that_work(calls(&server));
    // What was begun is done first: a page that changes by itself is like no other.
    probes.own.settled_state();
    // What people write is theirs to see from then on: everything is read before anything of the other's is written.
    let (reading, writing): (Vec<_>, Vec<_>) = calls.iter().enumerate().partition(|(_, call)| call.reads());
    for (number, call) in reading.into_iter().chain(writing) {
        probes.probe(number, call);
    }
    probes.look_at_the_last_letters(&server);
    probes.proved_all_that_can_be(&calls);
    let text = log(&server);
    let named = text[beginning..].lines().filter(|line| probes.canaries.word_in(line).is_some());
    let named: Vec<String> = named.map(|line| format!("the log names somebody: {line}")).collect();
    named.into_iter().chain(changes(&before, &other.state())).for_each(|fault| probes.fault(fault));
    let things = probes.foreign.len();
    eprintln!("{kind}: {} probes of {} with {things} things of {}", probes.made, probes.own.slug, other.slug);
    Outcome { made: probes.made, faults: probes.faults }
}

fn log(server: &Server) -> String {
    std::fs::read_to_string(server.log_file()).unwrap_or_default()
}

/// The tables of a company that hold something else than before, each with a row that is new where the state has rows.
fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let change = |(table, rows): (&String, &String)| {
        let was = before.get(table).map(String::as_str).unwrap_or_default();
        let new = rows.lines().find(|row| !was.lines().any(|known| known == *row)).unwrap_or("a row is gone");
        (rows != was).then(|| format!("{table} of the other company has changed: {new:.300}"))
    };
    after.iter().filter_map(change).collect()
}

/// Has the other company's people leave things that its demo has not, to be asked for.
fn leave_things(server: &Server, other: &Company) {
    let mut people = Cast::working(server, &other.slug);
    for call in own::rows().filter(|(route, ..)| own::LEFT.contains(route)).map(own::call) {
        let role = &mut people.0[Cast::entitled(&call)];
        call.filled(&|name: &str| first(other, name), None).ask(&mut role.browser, &role.token);
    }
}

/// Where nobody meets the canary, nothing is shown by its absence.
fn its_own_people_see_the_canary(server: &Server, other: &Company) {
    let mut staff = server.staff(&other.slug);
    for list in ["requests", "notifications", "paid-services", "meters"] {
        let text = staff.call("GET", &format!("/api/admin/v1/{list}"), None).expect(200).text();
        assert!(text.contains(CANARY), "{list}: {text}");
    }
}

/// All calls: those of [`own`], and what the documents say of routes that stand in no row there.
fn calls(server: &Server) -> Vec<Call> {
    let document = server.browser("beregovoy").get("/api/openapi.json").expect(200).json();
    let mut calls: Vec<Call> = own::rows().map(own::call).collect();
    let there: BTreeSet<String> = calls.iter().map(Call::name).collect();
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let name = format!("{} {path}", method.to_uppercase());
            if !there.contains(&name) {
                calls.push(undescribed(&name, samples::body(&document, operation, false)));
            }
            let of_route = calls.iter_mut().filter(|call| call.name() == name);
            of_route.for_each(|call| *call = call.clone().with_optional(parameters(operation)));
            routes.insert(name);
        }
    }
    let app = block_on(App::open(server.database.config(NOW))).expect("the platform");
    for pattern in app.page_paths() {
        let named = |part: &str| part.strip_prefix(':').map_or_else(|| part.to_owned(), |name| format!("{{{name}}}"));
        let path = pattern.split('/').map(named).collect::<Vec<_>>().join("/");
        for name in ["GET", "POST"].map(|method| format!("{method} {path}")) {
            if !there.contains(&name) {
                calls.push(undescribed(&name, None));
            }
            routes.insert(name);
        }
    }
    let gone: Vec<&String> = there.difference(&routes).collect();
    assert!(gone.is_empty(), "no such routes: {gone:?}");
    calls.retain(|call| !ENDS.iter().any(|end| call.pattern.ends_with(end)));
    calls
}

/// The things of the own company by their names.
type Own<'a> = &'a dyn Fn(&str) -> String;

fn first(company: &Company, name: &str) -> String {
    company.things(name).into_iter().next().unwrap_or_else(|| ELSEWHERE.to_owned())
}

/// The parameters of an operation's address.
fn parameters(operation: &Value) -> Vec<String> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    let names = all.filter(|parameter| parameter["in"] == "query").filter_map(|parameter| parameter["name"].as_str());
    names.map(str::to_owned).collect()
}

/// A call of a route as well as its path tells it.
fn undescribed(name: &str, body: Option<Value>) -> Call {
    let (method, pattern) = name.split_once(' ').expect("a method and a path");
    let mut before = "";
    let mut address = Vec::new();
    for part in pattern.split('/') {
        address.push(match (before, part) {
            (_, part) if !part.starts_with('{') => part,
            ("accounts", _) => "{account}",
            ("meters", _) => "{meter}",
            (_, "{period}" | "{from}") => "{period}",
            _ => ELSEWHERE,
        });
        before = part;
    }
    let call = Call::new(method, pattern, &address.join("/"), "");
    body.map_or_else(|| call.clone(), |body| call.with_body(body))
}

struct Probes {
    own: Rc<Company>,
    cast: Cast,
    foreign: Vec<Foreign>,
    canaries: Canaries,
    letters: Letters,
    depth: Depth,
    /// Routes that did what they are there for.
    proven: HashSet<String>,
    /// What the others answered.
    refused: HashMap<String, String>,
    faults: Vec<String>,
    made: u32,
}

impl Probes {
    fn fault(&mut self, words: String) {
        eprintln!("FAULT: {words}");
        self.faults.push(words);
    }

    /// Makes each call as whoever may make it, with the own company's things. Those of routes that are there, each
    /// once.
    fn calls_that_work(&mut self, calls: Vec<Call>) -> Vec<Call> {
        let (mut there, mut seen) = (Vec::new(), HashSet::new());
        for call in calls {
            let name = call.name();
            if name != own::ENDS_IT {
                let answer = self.carried_out(&call);
                if answer.status == 405 {
                    continue;
                }
                if call.is_done(&answer) {
                    self.proven.insert(name.clone());
                } else {
                    self.refused.insert(name.clone(), call.refusal(&answer));
                }
                if let Some(word) = self.canaries.met(&answer, "") {
                    self.fault(format!("{name} for its own people names {word}"));
                }
            }
            if seen.insert(format!("{call:?}")) {
                there.push(call);
            }
        }
        there
    }

    /// The answer to the own people; of what waits for a job, the first that comes when it is done.
    fn carried_out(&mut self, call: &Call) -> Response {
        let (role, begun, own) = (Cast::entitled(call), Instant::now(), self.own.clone());
        let own = |name: &str| first(&own, name);
        loop {
            let answer = self.ask(role, call, &own, None);
            let waits = own::WAITS.contains(&call.name().as_str()) && !call.is_done(&answer);
            if !waits || begun.elapsed() > LONGEST_WAIT {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Asks as one of the cast, with something else at one place. Limits are not what is asked for here.
    fn ask(&mut self, role: usize, call: &Call, own: Own<'_>, change: Option<(&Place, &str)>) -> Response {
        let (filled, role) = (call.filled(own, change), &mut self.cast.0[role]);
        let mut answer = filled.ask(&mut role.browser, &role.token);
        if answer.status == 429 {
            self.own.forget_attempts();
            answer = filled.ask(&mut role.browser, &role.token);
        }
        if answer.sets(MESSAGE) {
            // As a browser does: else the next page would tell what came of this form.
            role.browser.get(answer.location());
        }
        answer
    }

    /// Asks with the other company's things at each place of the call.
    fn probe(&mut self, number: usize, call: &Call) {
        let (entitled, all, company) = (Cast::entitled(call), self.cast.0.len(), self.own.clone());
        let found = RefCell::new(HashMap::new());
        // What the own company has is looked up once a call.
        let own = |name: &str| -> String {
            found.borrow_mut().entry(name.to_owned()).or_insert_with(|| first(&company, name)).clone()
        };
        let one_of_the_others = (entitled + 1 + number % (all - 1)) % all;
        let asks = |role: usize| self.depth == Depth::Whole || role == entitled || role == one_of_the_others;
        let roles: Vec<usize> = (0..all).filter(|role| asks(*role)).collect();
        for place in call.places() {
            for role in &roles {
                for at in self.wanted(call, &place, *role == entitled) {
                    self.compare(*role, call, &own, (&place, at));
                    self.go_on(call);
                }
            }
        }
    }

    /// Which foreign things are tried at a place, by number: those of its kind, what any text may be taken for, and,
    /// by whoever may make the call, everything at places that hold a thing; where that is a secret, all secrets.
    fn wanted(&self, call: &Call, place: &Place, entitled: bool) -> Vec<usize> {
        let kind = call.thing_at(place);
        let (of_its_kind, of_any) = if self.depth == Depth::Small { (1, 2) } else { (usize::MAX, usize::MAX) };
        let of_kind = |foreign: &Foreign| kind.is_some_and(|kind| foreign.is_a(kind));
        let common = |foreign: &Foreign| foreign.is_thing && COMMON.contains(&foreign.of.as_str());
        let numbers = |fits: &dyn Fn(&Foreign) -> bool| {
            let all = self.foreign.iter().enumerate();
            all.filter(|(_, foreign)| fits(foreign)).map(|(number, _)| number).collect::<Vec<_>>()
        };
        let mut wanted: Vec<usize> = numbers(&of_kind).into_iter().take(of_its_kind).collect();
        if entitled && self.depth == Depth::Whole && (kind.is_some() || matches!(place, Place::Segment(_))) {
            let of_secrets = kind.is_some_and(tokens::is_one);
            wanted.extend(numbers(&|foreign| !of_secrets || tokens::is_one(&foreign.of) || common(foreign)));
        } else if entitled || wanted.is_empty() && kind.is_none() {
            wanted.extend(numbers(&common).into_iter().take(of_any));
        }
        let mut seen = HashSet::new();
        wanted.retain(|number| seen.insert(*number));
        wanted
    }

    /// The answer for the foreign thing is that for nobody's. What was carried out may not be carried out twice: the
    /// answer is that before it, or that for something else after it.
    fn compare(&mut self, role: usize, call: &Call, own: Own<'_>, (place, at): (&Place, usize)) {
        let Foreign { of, value, nobodys, .. } = self.foreign[at].clone();
        let another = foreign::another(&nobodys, self.made + 1);
        let masked = [value.as_str(), nobodys.as_str(), another.as_str()];
        let usual = Told::of(call, &self.ask(role, call, own, Some((place, &nobodys))), masked);
        let answer = self.ask(role, call, own, Some((place, &value)));
        let told = Told::of(call, &answer, masked);
        self.made += 1;
        let what = format!("{} for {} with a {of} at {place:?}", call.name(), self.cast.0[role].name);
        if let Some(word) = self.canaries.met(&answer, &value) {
            self.fault(format!("{what} names {word}"));
        }
        if call.is_done(&answer) && !only_looks(call) {
            self.canaries.write(&value);
        }
        // A list goes on behind whatever is named: where, tells nothing of others' things.
        let position = ["cursor", "before", "after"].iter().any(|name| call.is_parameter(place, name));
        if position || told == usual {
            return;
        }
        let after = Told::of(call, &self.ask(role, call, own, Some((place, &another))), masked);
        if told != after {
            self.fault(format!("{what}: {}", told.beside(&usual)));
        }
    }

    /// What is due now and then.
    fn go_on(&mut self, call: &Call) {
        if !call.reads() && self.made.is_multiple_of(LETTERS_EVERY) {
            self.look_at_letters();
        }
        if self.made.is_multiple_of(TOLD_EVERY) {
            eprintln!("{} probes of {}, {} faults; {}", self.made, self.own.slug, self.faults.len(), call.name());
        }
    }

    fn look_at_letters(&mut self) {
        self.letters.look(&self.canaries).into_iter().for_each(|fault| self.fault(fault));
    }

    /// The last letters are looked at when none is on its way any more.
    fn look_at_the_last_letters(&mut self, server: &Server) {
        let begun = Instant::now();
        let sql = "SELECT COUNT(*) AS number FROM job WHERE tenant_id = $1 AND module = 'mail' AND state < 2";
        while server.database.count(&self.own.slug, sql, Vec::new()) > 0 && begun.elapsed() < LONGEST_WAIT {
            self.look_at_letters();
            std::thread::sleep(Duration::from_millis(200));
        }
        self.look_at_letters();
    }

    /// The routes that nobody of the own company gets to work are those that are listed.
    fn proved_all_that_can_be(&mut self, calls: &[Call]) {
        let unproven: BTreeSet<String> =
            calls.iter().map(Call::name).filter(|name| !self.proven.contains(name)).collect();
        let known: BTreeSet<String> = own::unproven(&self.own.slug).into_iter().map(str::to_owned).collect();
        let refused = |name: &String| (name.clone(), self.refused.get(name));
        let (new, gone): (Vec<_>, Vec<_>) =
            (unproven.difference(&known).map(refused).collect(), known.difference(&unproven).collect());
        if !new.is_empty() || !gone.is_empty() {
            let words = format!("got to work: {new:#?}; listed, and they work: {gone:#?}");
            self.fault(format!("at {}: routes that nobody of the company {words}", self.own.slug));
        }
    }
}
