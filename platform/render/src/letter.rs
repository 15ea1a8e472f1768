//! Letters: HTML and plain text from the templates of all modules, in the brand of the company.

use minijinja::value::{Serde, Value};
use minijinja::{Environment, context};
use serde::Serialize;

use crate::environment::{page_environment, template_error};
use crate::error::RenderError;

/// The company in whose name a letter goes out, as its templates see it: `company`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LetterCompany {
    /// Name that residents know.
    pub name: String,
    /// Phone of the office.
    pub phone: String,
    /// E-mail of the office.
    pub email: String,
    /// Postal address.
    pub address: String,
    /// Web site; may be empty.
    pub site: String,
    /// Office hours in words.
    pub hours: String,
    /// Where its portal is: `https://kabinet.example`, no slash at the end.
    pub url: String,
    /// The brand colour, dark enough for what stands on it.
    pub color: String,
    /// The colour of text on it.
    pub color_text: String,
}

/// A letter as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// For programs that show HTML.
    pub html: String,
    /// For those that do not.
    pub text: String,
}

/// The templates of all letters.
#[derive(Debug)]
pub struct Letters(Environment<'static>);

impl Letters {
    /// The frame and the templates of the modules; a syntax error names its template and line.
    pub fn new(templates: impl IntoIterator<Item = (&'static str, &'static str)>) -> Result<Self, RenderError> {
        let own = [
            ("mail.html", include_str!("../templates/mail.html")),
            ("mail.txt", include_str!("../templates/mail.txt")),
            ("mail_macros.html", include_str!("../templates/mail_macros.html")),
        ];
        page_environment(own.into_iter().chain(templates)).map(Self)
    }

    /// The letter of the templates `<name>.html` and `<name>.txt`.
    pub fn render(
        &self,
        name: &str,
        subject: &str,
        company: &LetterCompany,
        context: &impl Serialize,
    ) -> Result<Letter, RenderError> {
        let values = context! { subject, company => Value::from(Serde(company)), ..Value::from(Serde(context)) };
        let part = |kind: &str| {
            let name = format!("{name}.{kind}");
            let template = self.0.get_template(&name).map_err(|error| template_error(&name, &error))?;
            template.render(values.clone()).map_err(|error| template_error(&name, &error))
        };
        // The engine escapes slashes too. They are harmless, and addresses stay readable in the source.
        Ok(Letter { html: part("html")?.replace("&#x2f;", "/"), text: part("txt")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTML: &str = r#"{% extends "mail.html" %}{% import "mail_macros.html" as mail %}
        {% block content %}<p>Здравствуйте, {{ who }}!</p>{{ mail.button("Дальше", company.url ~ "/x?a=1&b=2", company) }}{% endblock %}"#;
    const TEXT: &str = r#"{% extends "mail.txt" %}{% block content %}Здравствуйте, {{ who }}! {{ company.url }}/x?a=1&b=2{% endblock %}"#;

    fn company() -> LetterCompany {
        LetterCompany {
            name: "УК «Край & Ко»".into(),
            phone: "8 (351) 200-10-10".into(),
            url: "https://kray.example".into(),
            color: "#0b6e8a".into(),
            color_text: "#ffffff".into(),
            ..LetterCompany::default()
        }
    }

    #[derive(Serialize)]
    struct Who {
        who: &'static str,
    }

    #[test]
    fn html_is_escaped_and_text_is_not() {
        let letters = Letters::new([("a/b.html", HTML), ("a/b.txt", TEXT)]).unwrap();
        let letter = letters.render("a/b", "Тема", &company(), &Who { who: "<b>Анна</b>" }).unwrap();
        assert!(letter.html.contains("Здравствуйте, &lt;b&gt;Анна"), "{}", letter.html);
        assert!(letter.html.contains("Край &amp; Ко") && letter.html.contains("#0b6e8a"));
        assert!(letter.html.contains("href=\"https://kray.example/x?a=1&amp;b=2\""), "{}", letter.html);
        assert!(letter.text.contains("Здравствуйте, <b>Анна</b>! https://kray.example/x?a=1&b=2"), "{}", letter.text);
        assert!(letter.text.contains("УК «Край & Ко»"));
    }

    #[test]
    fn an_undefined_name_is_an_error() {
        let letters = Letters::new([("a/b.html", "{{ nobody }}"), ("a/b.txt", "")]).unwrap();
        assert!(letters.render("a/b", "", &company(), &Who { who: "" }).is_err());
        assert!(letters.render("a/c", "", &company(), &Who { who: "" }).is_err());
    }
}
