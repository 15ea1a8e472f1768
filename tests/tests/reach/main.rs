//! Readings within everybody's reach: the one-meter link, what a reading would cost, readings that a browser sends
//! again.

mod app;
mod imagined;
mod links;
mod sendings;

use kabinet_tests::Browser;
use kabinet_tests::world::Person;
use serde_json::Value;

/// Takes readings all month.
pub(crate) const OPEN: &str = "beregovoy";
/// Takes readings from the 15th to the 25th.
pub(crate) const WINDOW: &str = "teploset";

/// A meter with one zone as its holder sees it.
#[derive(Clone, Debug)]
pub(crate) struct Dial {
    pub(crate) id: String,
    pub(crate) serial: String,
    /// Its last value, scaled by 10^7.
    pub(crate) last: i64,
}

/// The chosen account's first meter with one zone that takes readings.
pub(crate) fn dial(browser: &mut Browser) -> Dial {
    let answer = browser.call("GET", "/api/v1/meters", None).expect(200).json();
    let fits = |meter: &&Value| meter["zones"] == 1 && meter["active"] == true && meter["automatic"] == false;
    let meter = answer["meters"].as_array().expect("meters").iter().find(fits).expect("a meter");
    let text = |name: &str| meter[name].as_str().expect("a text").to_owned();
    Dial { id: text("id"), serial: text("serial"), last: meter["last_values"][0].as_i64().expect("a value") }
}

impl Dial {
    /// Its last value and `thousandths` more, as people write it.
    pub(crate) fn plus(&self, thousandths: i64) -> String {
        let value = self.last / 10_000 + thousandths;
        format!("{},{:03}", value / 1000, value % 1000)
    }
}

/// The rows of a meter's page: date, value, volume, source.
pub(crate) fn history(person: &mut Person, dial: &Dial) -> Vec<String> {
    let page = person.browser.page(&format!("/meters/{}", dial.id));
    page.all("table.cards tbody tr").iter().map(|row| row.text()).collect()
}
