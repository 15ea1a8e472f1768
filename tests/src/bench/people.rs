//! The residents of the made-up company, logged in, and the forms they can send.

use anyhow::{Context, bail};
use kabinet_server::demo::Chance;
use kabinet_tests::server::CAPTCHA;

use super::http::{Connection, encoded};
use super::load::Request;
use super::stage::{COMPANY, SEED, Served};

const READINGS: &str = "/meters/readings";

/// A resident with an open session.
pub(crate) struct Person {
    pub(crate) cookies: String,
}

/// Logs `count` residents of the measured company in, one after the other.
pub(crate) fn log_in(served: &Served, count: u64) -> anyhow::Result<Vec<Person>> {
    log_in_at(served, COMPANY, count)
}

/// Logs `count` residents of any made-up company in, one after the other.
pub(crate) fn log_in_at(served: &Served, slug: &str, count: u64) -> anyhow::Result<Vec<Person>> {
    let password = Chance::new(SEED, slug).password("resident");
    let mut connection = Connection::open(served.listen, &served.host_of(slug))?;
    (1..=count).map(|number| enter(&mut connection, &format!("resident{number}@{slug}.example"), &password)).collect()
}

fn enter(connection: &mut Connection, email: &str, password: &str) -> anyhow::Result<Person> {
    let start = connection.get("/", "")?;
    let page = start.text();
    let guest = start.cookie("kabinet-guest").context("the start page sets no guest cookie")?;
    let csrf = field(&page, "csrf").context("the login form has no csrf field")?;
    let form = encoded(&[("csrf", csrf), ("email", email), ("password", password)]);
    let answer = connection.post("/login", &format!("kabinet-guest={guest}"), &form)?;
    match answer.cookie("kabinet") {
        Some(session) if answer.status == 303 => Ok(Person { cookies: format!("kabinet={session}") }),
        _ => bail!("{email} cannot log in: {} {}", answer.status, answer.text()),
    }
}

/// A GET of `path` by each resident, in rotation; the page of the first must hold `mark`.
pub(crate) fn reads(served: &Served, people: &[Person], path: &str, mark: &str) -> anyhow::Result<Vec<Request>> {
    let first = people.first().context("no residents")?;
    let answer = Connection::open(served.listen, &served.host())?.get(path, &first.cookies)?;
    if answer.status != 200 || !answer.text().contains(mark) {
        bail!("{path} answered {} without {mark}: {}", answer.status, answer.text());
    }
    Ok(people.iter().map(|person| Request::page(path, &person.cookies)).collect())
}

/// Sends a first reading of every single-zone meter of the residents; forms that send further ones, each a
/// thousandth above the last. Meters whose reading is refused (expired, closed account) are left out.
pub(crate) fn first_readings(served: &Served, people: &[Person]) -> anyhow::Result<Vec<Request>> {
    first_readings_at(served, COMPANY, people)
}

/// Sends first readings at any made-up company, as [`first_readings`] does at the measured one.
pub(crate) fn first_readings_at(served: &Served, slug: &str, people: &[Person]) -> anyhow::Result<Vec<Request>> {
    let mut connection = Connection::open(served.listen, &served.host_of(slug))?;
    let (mut accepted, mut refusal, mut offered) = (Vec::new(), String::new(), 0_usize);
    for person in people {
        let page = connection.get(READINGS, &person.cookies)?.text();
        let (Some(csrf), Some(date)) = (field(&page, "csrf"), field(&page, "date")) else { continue };
        for (name, _) in inputs(&page).filter(|(name, _)| name.starts_with("meter_") && name.ends_with("_delta")) {
            offered += 1;
            let form = |volume: &str| encoded(&[("csrf", csrf), ("date", date), (name, volume)]);
            let answer = connection.post(READINGS, &person.cookies, &form("1"))?;
            if answer.status == 303 {
                let cookies = person.cookies.clone();
                accepted.push(Request {
                    path: READINGS.to_owned(),
                    cookies,
                    form: Some(form("0,001")),
                    from: String::new(),
                });
            } else {
                refusal = answer.text();
            }
        }
    }
    if accepted.len() * 2 < offered || accepted.is_empty() {
        bail!("{} of {offered} readings were accepted, the last answer: {refusal}", accepted.len());
    }
    Ok(accepted)
}

/// Logins of the residents, each from the start page of a browser of its own.
pub(crate) fn logins(served: &Served, count: u64) -> anyhow::Result<Vec<Request>> {
    let password = Chance::new(SEED, COMPANY).password("resident");
    let mut connection = Connection::open(served.listen, &served.host())?;
    let (cookies, csrf) = guest(&mut connection, "/")?;
    let login = |number: u64| {
        let email = format!("resident{number}@{COMPANY}.example");
        let form = encoded(&[("csrf", &csrf), ("email", &email), ("password", &password)]);
        Request { path: "/login".into(), cookies: cookies.clone(), form: Some(form), from: String::new() }
    };
    Ok((1..=count).map(login).collect())
}

/// Failing logins of people who do not exist, each from an address of its own: a flood.
pub(crate) fn flood(served: &Served, count: u64) -> anyhow::Result<Vec<Request>> {
    let mut connection = Connection::open(served.listen, &served.host())?;
    let (cookies, csrf) = guest(&mut connection, "/")?;
    let login = |number: u64| {
        let form = encoded(&[("csrf", &csrf), ("email", &format!("x{number}@flood.example")), ("password", "none")]);
        Request { path: "/login".into(), cookies: cookies.clone(), form: Some(form), from: address(11, number) }
    };
    Ok((1..=count).map(login).collect())
}

/// Registrations, each of another person from another address.
pub(crate) fn registrations(served: &Served, count: u64) -> anyhow::Result<Vec<Request>> {
    let mut connection = Connection::open(served.listen, &served.host())?;
    let (cookies, csrf) = guest(&mut connection, "/register")?;
    let password = "тихая заводь у моста";
    let register = |number: u64| {
        let email = format!("new{number}@bench.example");
        let fields = [
            ("csrf", csrf.as_str()),
            ("email", &email),
            ("password", password),
            ("password_repeat", password),
            ("phone", "8 912 345-67-89"),
            ("captcha", CAPTCHA),
            ("consent", "yes"),
        ];
        let form = Some(encoded(&fields));
        Request { path: "/register".into(), cookies: cookies.clone(), form, from: address(10, number) }
    };
    Ok((1..=count).map(register).collect())
}

/// An address of a network of its own, so that no limit of addresses is reached.
pub(crate) fn address(net: u8, number: u64) -> String {
    format!("{net}.{}.{}.{}", (number >> 16) & 255, (number >> 8) & 255, number & 255)
}

/// A guest's cookies and form token.
pub(crate) fn guest(connection: &mut Connection, path: &str) -> anyhow::Result<(String, String)> {
    let page = connection.get(path, "")?;
    let guest = page.cookie("kabinet-guest").context("the page sets no guest cookie")?;
    let csrf = field(&page.text(), "csrf").context("the page has no csrf field")?.to_owned();
    Ok((format!("kabinet-guest={guest}"), csrf))
}

/// The value of the field `name` of a page.
pub(crate) fn field<'p>(page: &'p str, name: &str) -> Option<&'p str> {
    inputs(page).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Names and values of the page's fields.
fn inputs(page: &str) -> impl Iterator<Item = (&str, &str)> {
    let tags = page.split("<input ").skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag);
    tags.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default())))
}

fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = tag
        .split_once(&format!(" {name}=\""))
        .or_else(|| tag.strip_prefix(&format!("{name}=\"")).map(|rest| ("", rest)))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_from_a_page() {
        let page = r#"<form><input type="hidden" name="csrf" value="t-1"><input class="x" id="a" name="meter_7_delta" type="text"
             value="" inputmode="decimal"><input name="date" value="22.11.2026"></form>"#;
        assert_eq!(field(page, "csrf"), Some("t-1"));
        assert_eq!(field(page, "date"), Some("22.11.2026"));
        assert_eq!(inputs(page).map(|(name, _)| name).collect::<Vec<_>>(), ["csrf", "meter_7_delta", "date"]);
        assert_eq!(field(page, "other"), None);
    }
}
