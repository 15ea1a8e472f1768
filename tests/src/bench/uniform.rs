//! What a stranger could learn by a clock: the same request about somebody known and about nobody, in a drawn
//! order, each from an address of its own.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use kabinet_accounts::codes::LinkCode;
use kabinet_core::Period;
use kabinet_server::demo::{Chance, City};
use kabinet_tests::server::CAPTCHA;

use super::figures::{Figure, Goal, Report, median};
use super::http::{Connection, encoded};
use super::load::Request;
use super::people::{address, field, guest, log_in};
use super::stage::{COMPANY, SEED, Served, Stage};

/// Requests of each kind, with somebody and with nobody.
const SAMPLES: u64 = 500;
/// Requests about one person or account: as many as the limits allow.
const EACH: u64 = 5;
/// Residents, who try to link one after the other: each may fail twenty times a day.
const RESIDENTS: u64 = 100;
/// What a request leaves behind (a letter, a record) must not fall into the next answer.
const PAUSE: Duration = Duration::from_millis(10);
/// How far two equal sets of [`SAMPLES`] times stand apart by chance, in 997 of 1,000 runs.
const CHANCE: f64 = 0.11;

/// The doors that are compared.
struct Door {
    name: &'static str,
    status: u16,
    known: Vec<Request>,
    unknown: Vec<Request>,
}

/// Seeds a company and compares login, recovery, linking and readings without registration.
pub(crate) fn measure(report: &mut Report, stage: &Stage<'_>) -> anyhow::Result<()> {
    eprintln!("{}: known and unknown, {SAMPLES} times each", stage.name());
    let [accounts, residents] = [2 * SAMPLES, RESIDENTS].map(|number| number.to_string());
    stage.seed(&["--accounts", &accounts, "--months", "2", "--residents", &residents])?;
    let served = stage.serve_demo()?;
    let doors = Doors { served: &served, city: City::new(Chance::new(SEED, COMPANY), Period(202_509)) };
    // Both proofs of linking count for the same accounts and residents: each takes half of what they may try.
    let all = [doors.login()?, doors.recovery()?, doors.readings()?, doors.linking("surname")?, doors.linking("code")?];
    all.into_iter().try_for_each(|door| compare(report, stage, &served, door))
}

fn compare(report: &mut Report, stage: &Stage<'_>, served: &Served, door: Door) -> anyhow::Result<()> {
    let mut connection = Connection::open(served.listen, &served.host())?;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    let chance = Chance::new(SEED, door.name);
    for (number, pair) in (0..).zip(door.known.iter().zip(&door.unknown)) {
        let mut turns = [(pair.0, &mut known), (pair.1, &mut unknown)];
        if chance.happens("order", number, 0, 50) {
            turns.reverse();
        }
        for (request, times) in turns {
            times.push(timed(&mut connection, request, door.status)?);
            std::thread::sleep(PAUSE);
        }
    }
    let (apart, count) = (told_apart(&known, &unknown), known.len() as u64);
    let (known, unknown) = (median(&mut known), median(&mut unknown));
    let (name, difference) = (door.name, (known / unknown - 1.0) * 100.0);
    report.remark(format!("{}: {name}: known takes {difference:+.2} % of unknown more", stage.name()));
    let figure =
        |suffix: &str, value, unit| Figure::new(format!("{name}{suffix}"), Some(stage.name()), value, unit, count);
    report.add(figure("_known_ms", known, "ms").beside(unknown, "unknown, median"));
    report.add(figure("_told_apart", apart, "").beside(CHANCE, "by chance").promised(Goal::AtMost(CHANCE)));
    Ok(())
}

fn timed(connection: &mut Connection, request: &Request, status: u16) -> anyhow::Result<f64> {
    let form = request.form.as_deref().context("a form")?;
    let asked = Instant::now();
    let answer = connection.post_from(&request.from, &request.path, &request.cookies, form)?;
    let took = asked.elapsed();
    if answer.status != status {
        let text: String = answer.text().chars().take(2000).collect();
        bail!("{} answered {}: {text}", request.path, answer.status);
    }
    Ok(took.as_secs_f64() * 1000.0)
}

/// How well one set of times is told from the other: 0 not at all, 1 always (|2 AUC − 1| of Mann and Whitney).
fn told_apart(one: &[f64], other: &[f64]) -> f64 {
    let slower = |a: &f64| other.iter().map(|b| f64::midpoint(f64::from(a > b), f64::from(a >= b))).sum::<f64>();
    let wins: f64 = one.iter().map(slower).sum();
    (2.0 * wins / (one.len() * other.len()) as f64 - 1.0).abs()
}

/// Makes the requests of the doors.
struct Doors<'s> {
    served: &'s Served,
    city: City,
}

impl Doors<'_> {
    fn login(&self) -> anyhow::Result<Door> {
        let (cookies, csrf) = self.guest("/")?;
        let request = |net: u8, number: u64, email: &str| {
            let form = encoded(&[("csrf", &csrf), ("email", email), ("password", "не тот пароль у моста")]);
            Request { path: "/login".into(), cookies: cookies.clone(), form: Some(form), from: address(net, number) }
        };
        Ok(Door {
            name: "login",
            status: 422,
            known: by_email(20, known_email, &request),
            unknown: by_email(21, unknown_email, &request),
        })
    }

    fn recovery(&self) -> anyhow::Result<Door> {
        let (cookies, csrf) = self.guest("/recover")?;
        let request = |net: u8, number: u64, email: &str| {
            let form = encoded(&[("csrf", &csrf), ("email", email), ("captcha", CAPTCHA), ("captcha_token", "")]);
            Request { path: "/recover".into(), cookies: cookies.clone(), form: Some(form), from: address(net, number) }
        };
        Ok(Door {
            name: "recovery",
            status: 303,
            known: by_email(22, known_email, &request),
            unknown: by_email(23, unknown_email, &request),
        })
    }

    /// The second step of linking, with a wrong proof of an account that is there and of one that is not.
    fn linking(&self, proof: &'static str) -> anyhow::Result<Door> {
        let people = log_in(self.served, RESIDENTS)?;
        // A surname and a code of the right form that are nobody's.
        let (code, of_code) = (LinkCode::of(7), proof == "code");
        let wrong = if of_code { code.as_str() } else { "Никифорова" };
        let mut connection = Connection::open(self.served.listen, &self.served.host())?;
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for number in 0..SAMPLES {
            for (there, requests) in [(true, &mut known), (false, &mut unknown)] {
                let at = usize::try_from(number)? % people.len();
                let cookies = &people[at].cookies;
                let page = connection.get("/accounts/link", cookies)?.text();
                let csrf = field(&page, "csrf").context("no csrf field")?;
                let [account, house, flat] = self.account(number, there);
                let find = encoded(&[("csrf", csrf), ("account", &account), ("house", &house), ("flat", &flat)]);
                let found = connection.post("/accounts/link", cookies, &find)?;
                let waiting = found.cookie("kabinet-linking").context("nothing waits")?;
                let from = address(24 + u8::from(of_code) * 2 + u8::from(there), number);
                let form = Some(encoded(&[("csrf", csrf), (proof, wrong)]));
                let cookies = format!("{cookies}; kabinet-linking={waiting}");
                requests.push(Request { path: "/accounts/link".into(), cookies, form, from });
            }
        }
        let name = if of_code { "linking_by_code" } else { "linking" };
        Ok(Door { name, status: 422, known, unknown })
    }

    /// The search before readings without registration: a number that is there with a wrong house.
    fn readings(&self) -> anyhow::Result<Door> {
        let (cookies, csrf) = self.guest("/readings")?;
        let request = |net: u8, number: u64, there: bool| {
            let [account, _, flat] = self.account(number, there);
            let fields = [
                ("csrf", csrf.as_str()),
                ("account", &account),
                ("house", "998"),
                ("flat", &flat),
                ("captcha", CAPTCHA),
            ];
            Request {
                path: "/readings".into(),
                cookies: cookies.clone(),
                form: Some(encoded(&fields)),
                from: address(net, number),
            }
        };
        let requests = |net, there| (0..SAMPLES).map(|number| request(net, number, there)).collect();
        Ok(Door { name: "readings", status: 422, known: requests(28, true), unknown: requests(29, false) })
    }

    /// Number, house and flat of an account, or of one like it that is not there.
    fn account(&self, number: u64, there: bool) -> [String; 3] {
        let text = self.city.account_text(number);
        let text = if there { text } else { text.replacen("00", "99", 1) };
        [text, self.city.house_text(number), self.city.flat_text(number)]
    }

    fn guest(&self, path: &str) -> anyhow::Result<(String, String)> {
        guest(&mut Connection::open(self.served.listen, &self.served.host())?, path)
    }
}

/// A request for each sample: [`EACH`] for each person.
fn by_email(net: u8, email: fn(u64) -> String, request: &dyn Fn(u8, u64, &str) -> Request) -> Vec<Request> {
    (0..SAMPLES).map(|number| request(net, number, &email(number / EACH + 1))).collect()
}

fn known_email(number: u64) -> String {
    format!("resident{number}@{COMPANY}.example")
}

fn unknown_email(number: u64) -> String {
    format!("resident{number}@nobody.example")
}

#[cfg(test)]
mod tests {
    use super::told_apart;

    #[test]
    fn equal_times_are_not_told_apart_and_others_are() {
        let times: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(told_apart(&times, &times), 0.0);
        let later: Vec<f64> = times.iter().map(|time| time + 1000.0).collect();
        assert_eq!((told_apart(&later, &times), told_apart(&times, &later)), (1.0, 1.0));
    }
}
