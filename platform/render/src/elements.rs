//! Small pieces of a page's HTML that stand in many places: figures, days, icons. They are filters and not
//! macros of a template, because a page has dozens of them and a macro call costs a hundred times as much.

use std::fmt::Write as _;

use minijinja::{Environment, Error, ErrorKind, HtmlEscape, Value};

use crate::format;

/// Icons are decoration; the words beside them (visible or not) are the name.
const ICONS: [(&str, &str); 12] = [
    (
        "printer",
        r#"<path d="M7 8V3h10v5M7 17H4.5A1.5 1.5 0 0 1 3 15.5v-6A1.5 1.5 0 0 1 4.5 8h15A1.5 1.5 0 0 1 21 9.5v6a1.5 1.5 0 0 1-1.5 1.5H17"/><path d="M7 14h10v7H7zM17.5 11h.01"/>"#,
    ),
    (
        "eye",
        r#"<path d="M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12z"/><circle cx="12" cy="12" r="3"/>"#,
    ),
    ("person", r#"<circle cx="12" cy="8" r="4"/><path d="M4 21c.8-4.2 4-6 8-6s7.2 1.8 8 6"/>"#),
    ("menu", r#"<path d="M4 7h16M4 12h16M4 17h16"/>"#),
    ("check", r#"<path d="M4.5 12.5l5 5 10-11"/>"#),
    ("info", r#"<circle cx="12" cy="12" r="9.5"/><path d="M12 11v6M12 7.5h.01"/>"#),
    ("warn", r#"<path d="M12 3.5 22 20.5H2zM12 10v5M12 17.8h.01"/>"#),
    ("letter", r#"<path d="M3 5.5h18v13H3zM3.5 6l8.5 7 8.5-7"/>"#),
    (
        "tools",
        r#"<path d="M14.5 6.5a4.5 4.5 0 0 1 6-1.5l-3 3 .5 2 2 .5 1.5-1.5a4.5 4.5 0 0 1-6.2 4.5L7 21.5a2 2 0 0 1-3-3l8-8.3a4.5 4.5 0 0 1 2.5-3.7z"/>"#,
    ),
    ("alarm", r#"<path d="M6 19v-6a6 6 0 0 1 12 0v6M4 19.5h16M12 2v2M4 6l1.5 1.5M20 6l-1.5 1.5M12 11v4"/>"#),
    (
        "clip",
        r#"<path d="M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.4 3.4 0 0 1 5 5l-8.3 8.3a1.7 1.7 0 0 1-2.5-2.5L14.5 7.5"/>"#,
    ),
    (
        "phone",
        r#"<path d="M6 3h3l2 5-2.5 1.5a11 11 0 0 0 6 6L16 13l5 2v3a3 3 0 0 1-3 3A15 15 0 0 1 3 6a3 3 0 0 1 3-3z"/>"#,
    ),
];

/// Adds the filters to the environment of pages and mails.
pub(crate) fn add_filters(environment: &mut Environment<'_>) {
    environment.add_filter("money", money);
    environment.add_filter("money_change", money_change);
    environment.add_filter("amount", amount);
    environment.add_filter("price", price);
    environment.add_filter("day", day);
    environment.add_filter("day_words", day_words);
    environment.add_filter("month", month);
    environment.add_filter("icon", icon);
    environment.add_filter("tel", tel);
    environment.add_filter("names", names);
    environment.add_filter("chart", crate::chart::filter);
}

/// Kopecks as a figure that never breaks across lines and carries its value for programs; `id` names it.
fn money(kopecks: i64, id: Option<&str>) -> Value {
    sum(kopecks, "", id)
}

/// As [`money`], with plus or minus in front.
fn money_change(kopecks: i64, id: Option<&str>) -> Value {
    sum(kopecks, if kopecks > 0 { "+" } else { "" }, id)
}

fn sum(kopecks: i64, sign: &str, id: Option<&str>) -> Value {
    let id = id.map(|id| format!(" id=\"{}\"", HtmlEscape(id))).unwrap_or_default();
    let text = format::rub_sign(kopecks);
    Value::from_safe_string(format!("<data{id} class=\"num\" value=\"{kopecks}\">{sign}{text}</data>"))
}

/// A quantity scaled by 10^7, with its unit if one is given.
fn amount(scaled: i64, unit: Option<&str>) -> Value {
    let mut html = format!("<span class=\"num\">{}", format::quantity(scaled));
    if let Some(unit) = unit {
        let _ = write!(html, "&nbsp;{}", HtmlEscape(unit));
    }
    html.push_str("</span>");
    Value::from_safe_string(html)
}

/// A tariff scaled by 10^7 with its unit, «₽ за м³».
fn price(scaled: i64, unit: &str) -> Value {
    let (tariff, unit) = (format::tariff(scaled), HtmlEscape(unit));
    Value::from_safe_string(format!("<span class=\"num\">{tariff}</span> <span class=\"unit\">{unit}</span>"))
}

/// A day given as yyyymmdd: `16.11.2026`.
fn day(day: u32) -> Value {
    time(day, &format::date(day))
}

/// A day given as yyyymmdd in words: «16 ноября».
fn day_words(day: u32) -> Result<Value, Error> {
    let name =
        format::month_of(day).ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("{day} is no day")))?;
    Ok(time(day, &format!("{}&nbsp;{name}", day % 100)))
}

fn time(day: u32, text: &str) -> Value {
    let (year, month, of_month) = (day / 10_000, day / 100 % 100, day % 100);
    let html = format!("<time class=\"num\" datetime=\"{year}-{month:02}-{of_month:02}\">{text}</time>");
    Value::from_safe_string(html)
}

/// A month given as yyyymm: «октябрь 2026».
fn month(month: u32) -> Value {
    let (machine, text) = (format::period_iso(month), format::period(month));
    Value::from_safe_string(format!("<time class=\"num\" datetime=\"{machine}\">{text}</time>"))
}

/// The picture of a name in [`ICONS`].
fn icon(name: &str) -> Result<Value, Error> {
    let paths = ICONS.iter().find(|known| known.0 == name).map(|known| known.1);
    let paths = paths.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("no icon {name}")))?;
    Ok(Value::from_safe_string(format!(
        "<svg class=\"icon\" width=\"24\" height=\"24\" viewBox=\"0 0 24 24\" fill=\"none\" stroke=\"currentColor\" \
         stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\" \
         focusable=\"false\">{paths}</svg>"
    )))
}

/// A phone number as a link wants it: `8 (351) 200-10-10` → `83512001010`.
fn tel(number: &str) -> String {
    number.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect()
}

/// Whether the list of errors names a field of this name.
fn names(errors: &Value, field: &str) -> Result<bool, Error> {
    for error in errors.try_iter()? {
        if error.get_attr("field")?.as_str() == Some(field) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(source: &str) -> Result<String, Error> {
        let mut environment = crate::page_environment([("page.html", source.to_owned())]).expect("a template");
        environment.set_debug(false);
        environment.get_template("page.html")?.render(minijinja::context! {
            sum => 123_456, back => -5, volume => 35_000_000_i64, unit => "м³ & <b>", day => 20_261_105, month => 202_610,
            errors => [minijinja::context! { field => "email", text => "Укажите адрес" }],
        })
    }

    #[test]
    fn figures_carry_their_value_and_never_break() {
        let expected = "<data id=\"debt\" class=\"num\" value=\"123456\">1\u{a0}234,56\u{a0}₽</data>";
        assert_eq!(page("{{ sum|money('debt') }}").expect("html"), expected);
        let expected = "<data class=\"num\" value=\"-5\">\u{2212}0,05\u{a0}₽</data>";
        assert_eq!(page("{{ back|money_change }}").expect("html"), expected);
        assert!(page("{{ sum|money_change }}").expect("html").contains(">+1\u{a0}234,56"));
        assert_eq!(page("{{ volume|amount }}").expect("html"), "<span class=\"num\">3,5</span>");
    }

    #[test]
    fn units_and_names_are_escaped() {
        let expected = "<span class=\"num\">3,5&nbsp;м³ &amp; &lt;b&gt;</span>";
        assert_eq!(page("{{ volume|amount(unit) }}").expect("html"), expected);
        assert!(page("{{ volume|price(unit) }}").expect("html").ends_with("м³ &amp; &lt;b&gt;</span>"));
        assert!(page("{{ sum|money(unit) }}").expect("html").contains("id=\"м³ &amp; &lt;b&gt;\""));
    }

    #[test]
    fn days_and_months_have_a_form_for_programs() {
        let expected = "<time class=\"num\" datetime=\"2026-11-05\">05.11.2026</time>";
        assert_eq!(page("{{ day|day }}").expect("html"), expected);
        let expected = "<time class=\"num\" datetime=\"2026-11-05\">5&nbsp;ноября</time>";
        assert_eq!(page("{{ day|day_words }}").expect("html"), expected);
        let expected = "<time class=\"num\" datetime=\"2026-10\">октябрь\u{a0}2026</time>";
        assert_eq!(page("{{ month|month }}").expect("html"), expected);
        assert!(page("{{ 20261300|day_words }}").is_err());
    }

    #[test]
    fn an_unknown_icon_is_noticed() {
        assert!(page("{{ 'warn'|icon }}").expect("html").starts_with("<svg class=\"icon\""));
        assert!(page("{{ 'unicorn'|icon }}").is_err());
    }

    #[test]
    fn a_phone_number_becomes_a_link() {
        assert_eq!(page("{{ '+7 (351) 200-10-10'|tel }}").expect("html"), "+73512001010");
    }

    #[test]
    fn a_wrong_field_is_found_among_the_errors() {
        assert_eq!(page("{{ errors|names('email') }}{{ errors|names('phone') }}").expect("html"), "TrueFalse");
    }
}
