//! What is wrong with settings that staff made, and where staff may have calls made to.

use super::{Bot, FASTEST, HIGHEST_PRICE, HIGHEST_SUM, NotificationsSettings, QuietHours};
use crate::channel::Channel;

const WRONG_SUM: &str = "Сумма в копейках – от 0 до 100 000 000 000";
const NO_WAY_OUT: &str = "Нужен адрес https:// с именем сервера";

impl NotificationsSettings {
    /// What is wrong with settings that staff made of the `present` ones: fields, and why in Russian.
    #[must_use]
    pub fn faults(&self, present: &Self) -> Vec<(&'static str, String)> {
        let mut faults = Faults::default();
        let twice = |channel: &Channel| self.order.iter().filter(|other| *other == channel).count() > 1;
        faults.check("order", !self.order.iter().any(twice), "Канал назван дважды");
        faults.check("quiet", self.quiet.is_none_or(QuietHours::are_of_a_day), "Укажите часы от 0 до 23");
        let debt = self.automatic.debt_over.is_none_or(|over| (0..=HIGHEST_SUM).contains(&over.0));
        faults.check("automatic.debt_over", debt, WRONG_SUM);
        if let Some(gateway) = &self.sms {
            let known = present.sms.as_ref().map(|gateway| gateway.url.as_str());
            faults.check("sms.url", leads_out(&gateway.url, known), NO_WAY_OUT);
            let template = format!("{}{}", gateway.url, gateway.body.as_deref().unwrap_or_default());
            let whole = template.contains("{phone}") && template.contains("{text}");
            faults.check("sms.url", whole, "Ни в адресе, ни в теле нет {phone} или {text}");
            let price = (0..=HIGHEST_PRICE).contains(&gateway.price.0);
            faults.check("sms.price", price, "Цена части сообщения в копейках – от 0 до 100 000");
            faults.check("sms.monthly_cap", (0..=HIGHEST_SUM).contains(&gateway.monthly_cap.0), WRONG_SUM);
            let rate = gateway.per_second.is_none_or(|rate| (1..=FASTEST).contains(&rate));
            faults.check("sms.per_second", rate, "Сообщений в секунду – от 1 до 1000");
        }
        faults.bot(["max.name", "max.base_url"], self.max.as_ref(), present.max.as_ref());
        faults.bot(["telegram.name", "telegram.base_url"], self.telegram.as_ref(), present.telegram.as_ref());
        faults.0
    }
}

/// What is wrong, field by field.
#[derive(Default)]
struct Faults(Vec<(&'static str, String)>);

impl Faults {
    fn check(&mut self, field: &'static str, good: bool, why: &str) {
        if !good {
            self.0.push((field, why.to_owned()));
        }
    }

    fn bot(&mut self, [name, base_url]: [&'static str; 2], bot: Option<&Bot>, present: Option<&Bot>) {
        let Some(bot) = bot else { return };
        let named = !bot.name.is_empty() && bot.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        self.check(name, named, "Имя бота: латинские буквы, цифры и _");
        let known = present.map(|bot| bot.base_url.as_str());
        self.check(base_url, bot.base_url.is_empty() || leads_out(&bot.base_url, known), NO_WAY_OUT);
    }
}

/// Whether staff may have calls made to an address: to the server that the company calls already, or over HTTPS to
/// a name. Nothing inside the platform's own network proves to be somebody's name by a certificate.
fn leads_out(address: &str, known: Option<&str>) -> bool {
    let plain = !address.contains(|c: char| c.is_whitespace() || c.is_control());
    let same = known.is_some_and(|known| !origin(known).is_empty() && origin(known) == origin(address));
    plain && (same || origin(address).strip_prefix("https://").is_some_and(is_name))
}

/// Scheme and server of an address, `https://sms.example:8443`; empty where there is none.
fn origin(address: &str) -> &str {
    let Some(server) = address.find("://").map(|at| at + 3) else { return "" };
    let end = address[server..].find(['/', '?', '#']).map_or(address.len(), |length| server + length);
    &address[..end]
}

/// Whether a server is named by letters, `sms.example` or `sms.example:8443`, and not by a number.
fn is_name(server: &str) -> bool {
    let (host, port) = server.split_once(':').unwrap_or((server, "443"));
    let labels: Vec<&str> = host.split('.').collect();
    let plain = |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let lettered = labels.last().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_alphabetic()));
    labels.len() > 1 && lettered && labels.iter().all(plain) && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use kabinet_core::Money;

    use super::*;
    use crate::settings::SmsGateway;

    fn set_up() -> NotificationsSettings {
        let gateway = SmsGateway {
            url: "https://sms.example/send?to={phone}".to_owned(),
            body: Some("{text}".to_owned()),
            success: None,
            price: Money(400),
            monthly_cap: Money(100_000),
            per_second: None,
        };
        let bot = Bot { name: "kabinet_bot".to_owned(), base_url: String::new() };
        NotificationsSettings { sms: Some(gateway), max: Some(bot), ..NotificationsSettings::default() }
    }

    #[test]
    fn what_is_wrong_is_named_by_field() {
        type Change = fn(&mut NotificationsSettings);
        let changes: [(&str, Change); 10] = [
            ("order", |it| it.order = vec![Channel::Sms, Channel::Sms]),
            ("quiet", |it| it.quiet = Some(QuietHours { from: 24, to: 9 })),
            ("automatic.debt_over", |it| it.automatic.debt_over = Some(Money(-1))),
            ("sms.url", |it| it.sms.as_mut().expect("sms").body = None),
            ("sms.price", |it| it.sms.as_mut().expect("sms").price = Money(-1)),
            ("sms.monthly_cap", |it| it.sms.as_mut().expect("sms").monthly_cap = Money(HIGHEST_SUM + 1)),
            ("sms.per_second", |it| it.sms.as_mut().expect("sms").per_second = Some(0)),
            ("max.name", |it| it.max.as_mut().expect("max").name = "бот".to_owned()),
            ("max.base_url", |it| it.max.as_mut().expect("max").base_url = "http://10.0.0.1".to_owned()),
            ("telegram.name", |it| it.telegram = Some(Bot { name: String::new(), base_url: String::new() })),
        ];
        assert!(set_up().faults(&NotificationsSettings::default()).is_empty());
        for (field, change) in changes {
            let mut changed = set_up();
            change(&mut changed);
            let named: Vec<&str> = changed.faults(&set_up()).iter().map(|(field, _)| *field).collect();
            assert_eq!(named, [field]);
        }
    }

    #[test]
    fn staff_have_no_calls_made_inside_the_platform() {
        for good in ["https://sms.example/send?to={phone}", "https://sms.example:8443", "https://a-b.sms.example"] {
            assert!(leads_out(good, None), "{good}");
        }
        let inside = [
            "http://sms.example/send",
            "https://localhost/send",
            "https://127.0.0.1/send",
            "https://127.1",
            "https://[::1]/",
            "https://127.0.0.0x1/",
            "https://sms.example@10.0.0.1/",
            "https://sms.example:secret@10.0.0.1/",
            "https://sms example/",
            "https://",
            "sms.example",
            "",
        ];
        for wrong in inside {
            assert!(!leads_out(wrong, None), "{wrong}");
        }
        // What the package named stays, and only that.
        let known = Some("http://127.0.0.1:8080/sms");
        assert!(leads_out("http://127.0.0.1:8080/v2/sms?to={phone}", known));
        assert!(!leads_out("http://127.0.0.1:8081/sms", known) && !leads_out("", Some("")));
    }
}
