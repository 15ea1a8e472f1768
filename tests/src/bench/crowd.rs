//! A served platform of many companies with residents logged in, and what they ask for and send.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use kabinet_core::Period;
use kabinet_server::demo::{Chance, City};

use super::administrator::Administrator;
use super::arrivals::{self, Arrival, Right};
use super::http::{Connection, encoded};
use super::load::Request;
use super::people::{self, Person, field};
use super::stage::{SEED, Served, Stage};
use super::usage::settle;

/// What every resident asked for, and what every company told.
const REQUEST: &str = "Не горит свет в подъезде";
const MESSAGE: &str = "Отключение воды 25 ноября";
/// Pages, with what each has and no other has; each has the account's number as well. The month is the one that the
/// seed publishes.
const PAGES: [(&str, &str); 7] = [
    ("/overview", "id=\"debt\""),
    ("/charges?period=2026-09", "value=\"2026-09\" selected"),
    ("/payments", "<h1>История оплат</h1>"),
    ("/meters", "<h1>Информация об ИПУ</h1>"),
    ("/documents", "<h1>Документы</h1>"),
    ("/requests", REQUEST),
    ("/notifications", MESSAGE),
];
/// How long what the seed left behind may take, and a message to reach everybody.
const SETTLING: Duration = Duration::from_secs(600);
const TELLING: Duration = Duration::from_secs(120);

/// How many there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) companies: u64,
    /// Accounts of each company.
    pub(crate) accounts: u64,
    /// Residents of each company that are logged in.
    pub(crate) residents: u64,
}

/// Residents of all companies but the last, which is left to its own work.
pub(crate) struct Crowd {
    pub(crate) served: Served,
    /// The company that nobody asks for.
    pub(crate) apart: String,
    companies: Vec<Company>,
}

/// A company with its residents, the first of whom has the first account.
struct Company {
    slug: String,
    people: Vec<Person>,
}

impl Crowd {
    /// Seeds the companies, serves them and logs residents in.
    pub(crate) fn of(stage: &Stage<'_>, size: Size) -> anyhow::Result<Self> {
        let [tenants, accounts, residents] =
            [size.companies, size.accounts, size.residents].map(|number| number.to_string());
        let many = ["--tenants", &tenants, "--accounts", &accounts, "--residents", &residents];
        let seconds = stage.seed(&[&many[..], &["--months", "2", "--leave-last"]].concat())?;
        eprintln!("{tenants} companies of {accounts} accounts seeded in {seconds:.0} s");
        let served = stage.serve()?;
        settle(&[served.pid()], SETTLING);
        let company = |number: u64| {
            let slug = format!("town-{number}");
            Ok(Company { people: people::log_in_at(&served, &slug, size.residents)?, slug })
        };
        let companies = (1..size.companies).map(company).collect::<anyhow::Result<_>>()?;
        Ok(Self { served, apart: format!("town-{}", size.companies), companies })
    }

    /// Gives every resident a request and a message to see.
    pub(crate) fn furnish(&self) -> anyhow::Result<()> {
        for company in &self.companies {
            company.people.iter().try_for_each(|person| company.ask(&self.served, person))?;
            Administrator::log_in(&self.served, &company.slug)?.tell_all(MESSAGE)?;
        }
        self.companies.iter().try_for_each(|company| company.is_told(&self.served))
    }

    /// The overview of every resident.
    pub(crate) fn overviews(&self) -> anyhow::Result<Vec<Arrival>> {
        self.visits(&PAGES[..1])
    }

    /// Every page of every resident who has a request and a message.
    pub(crate) fn all_pages(&self) -> anyhow::Result<Vec<Arrival>> {
        self.visits(&PAGES)
    }

    /// These pages of every resident: each was asked for once, and is as it should be.
    fn visits(&self, pages: &[(&'static str, &'static str)]) -> anyhow::Result<Vec<Arrival>> {
        let arrivals = in_turns(self.companies.iter().map(|company| company.visits(&self.served, pages)).collect());
        arrivals::one_by_one(self.served.listen, &arrivals)?;
        Ok(arrivals)
    }

    /// A reading a thousandth above the last of every meter, of which one was sent.
    pub(crate) fn readings(&self) -> anyhow::Result<Vec<Arrival>> {
        let companies = self.companies.iter().map(|company| company.readings(&self.served));
        Ok(in_turns(companies.collect::<anyhow::Result<_>>()?))
    }
}

impl Company {
    fn visits(&self, served: &Served, pages: &[(&'static str, &'static str)]) -> Vec<Arrival> {
        let city = City::new(Chance::new(SEED, &self.slug), Period(0));
        let visit = |account: &str, person: &Person, (path, mark): (&str, &str)| Arrival {
            host: served.host_of(&self.slug),
            request: Request::page(path, &person.cookies),
            right: Right::Page(vec![mark.to_owned(), account.to_owned()]),
        };
        let of_person = |(number, person): (u64, &Person)| {
            let account = city.account_text(number);
            pages.iter().map(|page| visit(&account, person, *page)).collect::<Vec<_>>()
        };
        (0..).zip(&self.people).flat_map(of_person).collect()
    }

    fn readings(&self, served: &Served) -> anyhow::Result<Vec<Arrival>> {
        let forms = people::first_readings_at(served, &self.slug, &self.people)?;
        let host = served.host_of(&self.slug);
        let taken = |request| Arrival { host: host.clone(), request, right: Right::Taken("/meters/readings?sent=") };
        Ok(forms.into_iter().map(taken).collect())
    }

    /// Files a request.
    fn ask(&self, served: &Served, person: &Person) -> anyhow::Result<()> {
        const FORM: &str = "/requests/new?kind=appeal";
        let mut connection = Connection::open(served.listen, &served.host_of(&self.slug))?;
        let page = connection.get(FORM, &person.cookies)?.text();
        let csrf = field(&page, "csrf").with_context(|| format!("no form of a request: {page}"))?;
        let form = encoded(&[("csrf", csrf), ("kind", "appeal"), ("subject", REQUEST), ("text", REQUEST)]);
        let answer = connection.post(FORM, &person.cookies, &form)?;
        if answer.status != 303 {
            bail!("a request was answered {}: {}", answer.status, answer.text());
        }
        Ok(())
    }

    /// Waits until the last resident sees the message.
    fn is_told(&self, served: &Served) -> anyhow::Result<()> {
        let last = self.people.last().context("no residents")?;
        let mut connection = Connection::open(served.listen, &served.host_of(&self.slug))?;
        let begun = Instant::now();
        while !connection.get("/notifications", &last.cookies)?.text().contains(MESSAGE) {
            if begun.elapsed() > TELLING {
                bail!("{}: the message did not come", self.slug);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

/// The first of each list, then the second of each, and so on.
fn in_turns<T>(lists: Vec<Vec<T>>) -> Vec<T> {
    let mut all: Vec<(usize, T)> = lists.into_iter().flat_map(|list| list.into_iter().enumerate()).collect();
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, one)| one).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn companies_come_in_turns() {
        assert_eq!(
            super::in_turns(vec![vec!["a1", "a2", "a3"], vec!["b1"], vec!["c1", "c2"]]),
            ["a1", "b1", "c1", "a2", "c2", "a3"]
        );
    }
}
