//! What a package says of notices: channels in their order, quiet hours, which automatic ones are sent. Tokens are
//! no part of a package: staff keep them sealed.

use kabinet_core::Money;
use kabinet_notifications::NotificationsSettings;
use kabinet_notifications::channel::Channel;
use kabinet_notifications::settings::{Automatic, Bot, FASTEST, HIGHEST_PRICE, HIGHEST_SUM, QuietHours, SmsGateway};

use super::document::Section;

/// The section `[notifications]`; without it, what is usual.
pub(super) fn read(root: &mut Section<'_>) -> NotificationsSettings {
    let mut settings = NotificationsSettings::default();
    let Some(mut section) = root.optional_section("notifications") else { return settings };
    if section.has("order") {
        settings.order = order(&mut section);
    }
    settings.quiet = quiet(&mut section, settings.quiet);
    if let Some(mut automatic) = section.optional_section("automatic") {
        settings.automatic = read_automatic(&mut automatic);
    }
    settings.sms = section.optional_section("sms").map(|mut sms| gateway(&mut sms));
    settings.max = section.optional_section("max").map(|mut max| bot(&mut max));
    settings.telegram = section.optional_section("telegram").map(|mut telegram| bot(&mut telegram));
    section.refuse_unknown();
    settings
}

fn order(section: &mut Section<'_>) -> Vec<Channel> {
    let mut order: Vec<Channel> = Vec::new();
    for name in section.texts("order") {
        match Channel::of(&name) {
            Some(channel) if order.contains(&channel) => section.refuse("order", format!("«{name}» названо дважды")),
            Some(channel) => order.push(channel),
            None => section.refuse("order", format!("«{name}»: есть max, telegram, email, sms")),
        }
    }
    order
}

/// The quiet hours, `usual` where nothing is said of them; from an hour to the same hour there are none.
fn quiet(section: &mut Section<'_>, usual: Option<QuietHours>) -> Option<QuietHours> {
    match (section.number("quiet_from", 0..=23), section.number("quiet_to", 0..=23)) {
        (Some(from), Some(to)) if from == to => None,
        (Some(from), Some(to)) => Some(QuietHours { from: hour(from), to: hour(to) }),
        (None, None) => usual,
        (from, _) => {
            let missing = if from.is_some() { "quiet_to" } else { "quiet_from" };
            section.check(missing, (!section.has(missing)).then_some("нужны оба часа: quiet_from и quiet_to"));
            usual
        }
    }
}

fn hour(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

fn read_automatic(section: &mut Section<'_>) -> Automatic {
    let mut flag = |key: &str| if section.has(key) { section.flag(key) } else { true };
    let automatic = Automatic {
        window_opens: flag("window_opens"),
        window_closes: flag("window_closes"),
        receipt: flag("receipt"),
        verification: flag("verification"),
        request: flag("request"),
        debt_over: section.number("debt_over", 0..=HIGHEST_SUM).map(Money),
    };
    section.refuse_unknown();
    automatic
}

fn gateway(section: &mut Section<'_>) -> SmsGateway {
    let url = section.text("url");
    section.check("url", address_problem(&url));
    let body = section.optional_text("body");
    let template = format!("{url}{}", body.as_deref().unwrap_or_default());
    for name in ["{phone}", "{text}"] {
        let missing = !url.is_empty() && !template.contains(name);
        section.check("url", missing.then(|| format!("ни в адресе, ни в теле нет {name}")));
    }
    let mut sum = |key: &str, highest: i64| {
        let number = section.number(key, 0..=highest);
        if number.is_none() && !section.has(key) {
            section.refuse(key, "поле обязательно: сумма в копейках");
        }
        Money(number.unwrap_or_default())
    };
    let (price, monthly_cap) = (sum("price", HIGHEST_PRICE), sum("monthly_cap", HIGHEST_SUM));
    let per_second =
        section.number("per_second", 1..=i64::from(FASTEST)).map(|number| u32::try_from(number).unwrap_or(1));
    let gateway = SmsGateway { success: section.optional_text("success"), url, body, price, monthly_cap, per_second };
    section.refuse_unknown();
    gateway
}

fn bot(section: &mut Section<'_>) -> Bot {
    let name = section.text("name");
    let odd = name.chars().any(|c| !c.is_ascii_alphanumeric() && c != '_');
    section.check("name", odd.then_some("имя бота: латинские буквы, цифры и _"));
    let base_url = section.optional_text("base_url").unwrap_or_default();
    let wrong = if base_url.is_empty() { None } else { address_problem(&base_url) };
    section.check("base_url", wrong);
    section.refuse_unknown();
    Bot { name, base_url }
}

fn address_problem(url: &str) -> Option<String> {
    let good = url.is_empty() || url.starts_with("https://") || url.starts_with("http://");
    (!good || url.contains(char::is_whitespace)).then(|| format!("«{url}»: нужен адрес http:// или https://"))
}
