//! Calls with the names of things in braces: `/meters/{meter}` is filled in with what the caller's own company has, and
//! at one place at a time with something else.

use kabinet_tests::{Browser, Response, world};
use serde_json::Value;

use crate::samples;

/// A call of an operation, or of a page.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: String,
    /// The path in the table of routes: `/accounts/{id}/absences`.
    pub(super) pattern: String,
    page: bool,
    path: Vec<String>,
    query: Vec<(String, String)>,
    body: Body,
    /// Parameters of the address that the call does without, by name.
    optional: Vec<String>,
}

/// What a call carries.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Nothing,
    Json(Value),
    Form(Vec<(String, String)>),
}

/// Where in a call something else can stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A part of the path.
    Segment(usize),
    /// The value of a parameter of the address.
    Query(usize),
    /// The value of a parameter that the call does without.
    Optional(usize),
    /// A thing in the name of a form's field: `meter_{meter}_value`.
    Name(usize),
    /// The value of a form's field.
    Field(usize),
    /// A text of the JSON body, by its pointer.
    Text(String),
}

/// A call with everything filled in.
#[derive(Clone, Debug)]
pub(super) struct Filled {
    method: String,
    address: String,
    body: Body,
    page: bool,
}

impl Call {
    /// The call of a route. `address` and `body` name things; a body of a page is a form.
    pub(super) fn new(method: &str, pattern: &str, address: &str, body: &str) -> Self {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let page = !pattern.starts_with("/api/");
        let body = match (page, body) {
            (true, text) if method == "POST" => Body::Form(pairs(text)),
            (_, "") => Body::Nothing,
            (_, text) => Body::Json(serde_json::from_str(text).unwrap_or_else(|error| panic!("{pattern}: {error}"))),
        };
        Self {
            method: method.to_owned(),
            pattern: pattern.to_owned(),
            page,
            path: path.split('/').skip(1).map(str::to_owned).collect(),
            query: pairs(query),
            body,
            optional: Vec::new(),
        }
    }

    /// The same call with another body.
    pub(super) fn with_body(&self, body: Value) -> Self {
        Self { body: Body::Json(body), ..self.clone() }
    }

    /// The same call, probed with these parameters as well.
    pub(super) fn with_optional(mut self, names: Vec<String>) -> Self {
        let missing = |name: &String| self.query.iter().all(|(known, _)| known != name);
        self.optional = names.into_iter().filter(missing).collect();
        self
    }

    /// `GET /meters/{id}`: what the table of routes calls it.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.pattern)
    }

    /// Whether it only looks.
    pub(super) fn reads(&self) -> bool {
        self.method == "GET"
    }

    /// Whether the answer is that of a call which did what it is there for: a page is shown, a form leads on.
    pub(super) fn is_done(&self, answer: &Response) -> bool {
        let done = if self.page && !self.reads() { 200..400 } else { 200..300 };
        done.contains(&answer.status) && (!self.page || answer.status != 303 || answer.location() != "/")
    }

    /// What is said instead.
    pub(super) fn refusal(&self, answer: &Response) -> String {
        let is_page = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        let text = if is_page { answer.page().text() } else { answer.text() };
        format!("{}: {text:.900}", answer.status)
    }

    /// All places, each once.
    pub(super) fn places(&self) -> Vec<Place> {
        let names = self.pattern.split('/').skip(1).enumerate().filter(|(_, name)| name.starts_with('{'));
        let mut places: Vec<Place> = names.map(|(at, _)| Place::Segment(at)).collect();
        places.extend((0..self.query.len()).map(Place::Query));
        places.extend((0..self.optional.len()).map(Place::Optional));
        match &self.body {
            Body::Nothing => {}
            Body::Json(value) => places.extend(samples::texts(value).into_iter().map(Place::Text)),
            Body::Form(fields) => {
                let named = fields.iter().enumerate().filter(|(_, (name, _))| thing(name).is_some());
                places.extend(named.map(|(at, _)| Place::Name(at)));
                places.extend((0..fields.len()).map(Place::Field));
            }
        }
        places
    }

    /// The thing that stands at the place; none where it is a text like any other.
    pub(super) fn thing_at(&self, place: &Place) -> Option<&str> {
        let piece = match place {
            Place::Segment(at) => self.path.get(*at).map(String::as_str),
            Place::Query(at) => self.query.get(*at).map(|(_, value)| value.as_str()),
            Place::Optional(_) => None,
            Place::Text(pointer) => match &self.body {
                Body::Json(value) => value.pointer(pointer).and_then(Value::as_str),
                _ => None,
            },
            Place::Name(at) | Place::Field(at) => match &self.body {
                Body::Form(fields) => {
                    fields.get(*at).map(|pair| if matches!(place, Place::Name(_)) { &*pair.0 } else { &*pair.1 })
                }
                _ => None,
            },
        };
        piece.and_then(thing)
    }

    /// Whether a parameter of this name stands at the place.
    pub(super) fn is_parameter(&self, place: &Place, name: &str) -> bool {
        match place {
            Place::Query(at) => self.query.get(*at).is_some_and(|(known, _)| known == name),
            Place::Optional(at) => self.optional.get(*at).is_some_and(|known| known == name),
            _ => false,
        }
    }

    /// The call with the things that `own` knows by name, and with another text at one place.
    pub(super) fn filled(&self, own: &dyn Fn(&str) -> String, change: Option<(&Place, &str)>) -> Filled {
        let at = |place: Place| change.filter(|(changed, _)| **changed == place).map(|(_, text)| text);
        let path = self.path.iter().enumerate();
        let path = path.map(|(number, piece)| format!("/{}", encoded(&fill(piece, at(Place::Segment(number)), own))));
        let mut address: String = path.collect();
        let mut sign = '?';
        let mut add = |name: &str, value: &str| {
            address.push_str(&format!("{sign}{name}={}", encoded(value)));
            sign = '&';
        };
        for (number, (name, value)) in self.query.iter().enumerate() {
            add(name, &fill(value, at(Place::Query(number)), own));
        }
        for (number, name) in self.optional.iter().enumerate() {
            if let Some(text) = at(Place::Optional(number)) {
                add(name, text);
            }
        }
        Filled { method: self.method.clone(), address, body: self.filled_body(own, change), page: self.page }
    }

    fn filled_body(&self, own: &dyn Fn(&str) -> String, change: Option<(&Place, &str)>) -> Body {
        let at = |place: Place| change.filter(|(changed, _)| **changed == place).map(|(_, text)| text);
        match &self.body {
            Body::Nothing => Body::Nothing,
            Body::Json(value) => Body::Json(samples::texts(value).into_iter().fold(value.clone(), |body, pointer| {
                let piece = value.pointer(&pointer).and_then(Value::as_str).unwrap_or_default();
                let text = fill(piece, at(Place::Text(pointer.clone())), own);
                samples::with(&body, &pointer, &text)
            })),
            Body::Form(fields) => {
                let field = |(number, (name, value)): (usize, &(String, String))| {
                    let name =
                        if thing(name).is_some() { fill(name, at(Place::Name(number)), own) } else { name.clone() };
                    (name, fill(value, at(Place::Field(number)), own))
                };
                Body::Form(fields.iter().enumerate().map(field).collect())
            }
        }
    }
}

impl Filled {
    /// Makes the call; `token` is what forms of this browser carry.
    pub(super) fn ask(&self, browser: &mut Browser, token: &str) -> Response {
        // Limits count by address: here nobody is to be limited.
        browser.from = world::fresh_ip();
        match &self.body {
            Body::Form(fields) => {
                let mut all = vec![("csrf".to_owned(), token.to_owned())];
                all.extend(fields.iter().cloned());
                browser.post(&self.address, &all)
            }
            Body::Nothing if self.page => browser.get(&self.address),
            Body::Nothing => browser.call(&self.method, &self.address, None),
            Body::Json(value) => browser.call(&self.method, &self.address, Some(value)),
        }
    }
}

/// `a=1&b=` as names and values, as they are.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

/// The name in the piece's braces.
fn thing(piece: &str) -> Option<&str> {
    let (_, rest) = piece.split_once('{')?;
    rest.split_once('}').map(|(name, _)| name)
}

/// The piece with its thing, which is `instead` where something else is to stand there; a piece without a thing is
/// `instead` as a whole.
fn fill(piece: &str, instead: Option<&str>, own: &dyn Fn(&str) -> String) -> String {
    match (thing(piece), instead) {
        (Some(name), instead) => {
            let value = instead.map_or_else(|| own(name), str::to_owned);
            piece.replacen(&format!("{{{name}}}"), &value, 1)
        }
        (None, Some(instead)) => instead.to_owned(),
        (None, None) => piece.to_owned(),
    }
}

/// The text as a part of an address.
pub(super) fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[test]
fn one_place_at_a_time_stands_for_something_else() {
    let own = |name: &str| format!("own {name}");
    let call = Call::new("POST", "/meters/{id}/x", "/meters/{meter}/x?all=1", "meter_{meter}_value=1&note=n");
    let address = |place: Option<(&Place, &str)>| call.filled(&own, place).address;
    assert_eq!(address(None), "/meters/own%20meter/x?all=1");
    assert_eq!(address(Some((&Place::Segment(1), "7"))), "/meters/7/x?all=1");
    assert_eq!(address(Some((&Place::Query(0), "7"))), "/meters/own%20meter/x?all=7");
    let fields = |place| match call.filled(&own, Some((&place, "7"))).body {
        Body::Form(fields) => fields.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    assert_eq!(fields(Place::Name(0)), ["meter_7_value=1", "note=n"]);
    assert_eq!(fields(Place::Field(1)), ["meter_own meter_value=1", "note=7"]);
    let places = call.places();
    let things: Vec<_> = places.iter().map(|place| call.thing_at(place)).collect();
    assert_eq!(things, [Some("meter"), None, Some("meter"), None, None]);
    let call = Call::new("PUT", "/api/x", "/api/x", r#"{"of":["{meter}"],"n":1}"#);
    assert_eq!(call.places(), [Place::Text("/of/0".to_owned())]);
    assert!(matches!(call.filled(&own, None).body, Body::Json(value) if value["of"][0] == "own meter"));
}
