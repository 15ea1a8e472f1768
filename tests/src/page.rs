//! Reading pages: elements by a short selector, figures, forms, tables.

use tl::{Node, NodeHandle, Parser, ParserOptions};

/// A page or a part of one.
#[derive(Clone, Debug, Default)]
pub struct Page {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Child>,
}

#[derive(Clone, Debug)]
enum Child {
    Element(Page),
    Text(String),
}

/// A form with the values that its page gave it.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where it goes.
    pub action: String,
    /// Names and values, the hidden ones too.
    pub fields: Vec<(String, String)>,
}

impl Form {
    /// The form with a field filled in; a field that the page does not offer is a failure.
    ///
    /// # Panics
    /// When the form has no such field.
    #[must_use]
    #[track_caller]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|(known, _)| known == name);
        let names = || panic!("the form of {} has no field {name}", self.action);
        match field {
            Some(field) => value.clone_into(&mut field.1),
            None => names(),
        }
        self
    }

    /// The value of a field.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The names of fields that begin with `prefix`.
    #[must_use]
    pub fn names(&self, prefix: &str) -> Vec<String> {
        self.fields.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(name, _)| name.clone()).collect()
    }
}

impl Page {
    /// Parses HTML.
    ///
    /// # Panics
    /// When it is too long for the parser (4 GB).
    #[must_use]
    pub fn parse(html: &str) -> Self {
        let dom = tl::parse(html, ParserOptions::default()).expect("HTML");
        let children = convert(dom.children(), dom.parser());
        Self { name: String::new(), attributes: Vec::new(), children }
    }

    /// All elements that `selector` finds, in the page's order: names, `.class`, `#id`, `[name=value]`,
    /// and a space for "somewhere inside".
    #[must_use]
    pub fn all(&self, selector: &str) -> Vec<&Self> {
        let mut found = vec![self];
        for step in selector.split(' ') {
            let mut next: Vec<&Self> = Vec::new();
            for element in found {
                for inner in element.inside(step) {
                    if !next.iter().any(|known| std::ptr::eq(*known, inner)) {
                        next.push(inner);
                    }
                }
            }
            found = next;
        }
        found
    }

    fn inside(&self, step: &str) -> Vec<&Self> {
        let elements = self.children.iter().filter_map(|child| match child {
            Child::Element(element) => Some(element),
            Child::Text(_) => None,
        });
        elements
            .flat_map(|element| {
                let own = element.fits(step).then_some(element);
                own.into_iter().chain(element.inside(step))
            })
            .collect()
    }

    fn fits(&self, step: &str) -> bool {
        let end = step.find(['.', '#', '[']).unwrap_or(step.len());
        let (name, mut rest) = step.split_at(end);
        if !name.is_empty() && name != self.name {
            return false;
        }
        while let Some(sign) = rest.chars().next() {
            let stop = if sign == '[' {
                rest.find(']').map_or(rest.len(), |at| at + 1)
            } else {
                rest[1..].find(['.', '#', '[']).map_or(rest.len(), |at| at + 1)
            };
            let (part, after) = rest.split_at(stop);
            let word = part[1..].trim_end_matches(']');
            let good = match sign {
                '.' => {
                    self.attribute("class").is_some_and(|classes| classes.split_whitespace().any(|class| class == word))
                }
                '#' => self.attribute("id") == Some(word),
                _ => match word.split_once('=') {
                    Some((name, value)) => self.attribute(name) == Some(value.trim_matches('"')),
                    None => self.attribute(word).is_some(),
                },
            };
            if !good {
                return false;
            }
            rest = after;
        }
        true
    }

    /// The first element that `selector` finds.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[track_caller]
    pub fn one(&self, selector: &str) -> &Self {
        let found = self.all(selector).into_iter().next();
        found.unwrap_or_else(|| panic!("no {selector} in: {}", self.text()))
    }

    /// Whether `selector` finds anything.
    #[must_use]
    pub fn has(&self, selector: &str) -> bool {
        !self.all(selector).is_empty()
    }

    /// The element's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An attribute's value.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The text inside, without styles and scripts; every run of spaces is one.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.collect(&mut text);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The text of the element's own, as it stands.
    fn raw_text(&self) -> String {
        let piece = |child: &Child| match child {
            Child::Text(text) => text.clone(),
            Child::Element(_) => String::new(),
        };
        self.children.iter().map(piece).collect()
    }

    fn collect(&self, text: &mut String) {
        if ["script", "style"].contains(&self.name.as_str()) {
            return;
        }
        for child in &self.children {
            match child {
                Child::Text(piece) => text.push_str(piece),
                Child::Element(element) => element.collect(text),
            }
        }
        if ["p", "li", "td", "th", "tr", "div", "option", "h1", "h2", "dt", "dd", "legend", "label"]
            .contains(&self.name.as_str())
        {
            text.push(' ');
        }
    }

    /// The title of the page.
    #[must_use]
    pub fn title(&self) -> String {
        self.one("title").text()
    }

    /// The kopecks of `<data id="…" value="…">`; `None` where the page has no such figure.
    #[must_use]
    pub fn figure(&self, id: &str) -> Option<i64> {
        self.all(&format!("data#{id}")).first().and_then(|data| data.attribute("value")?.parse().ok())
    }

    /// All kopecks inside, in order.
    #[must_use]
    pub fn figures(&self) -> Vec<i64> {
        self.all("data").iter().filter_map(|data| data.attribute("value")?.parse().ok()).collect()
    }

    /// The form that goes to `action`.
    ///
    /// # Panics
    /// When the page has none.
    #[must_use]
    #[track_caller]
    pub fn form(&self, action: &str) -> Form {
        let form = self.one(&format!("form[action={action}]"));
        let mut fields = Vec::new();
        for input in form.all("input") {
            let Some(name) = input.attribute("name") else { continue };
            let choice = ["checkbox", "radio"].contains(&input.attribute("type").unwrap_or_default());
            let unchecked = choice && input.attribute("checked").is_none();
            let value = if unchecked { "" } else { input.attribute("value").unwrap_or_default() };
            // The choices of one question are one field; files are sent beside the fields.
            let known = fields.iter_mut().find(|(field, _)| input.attribute("type") == Some("radio") && field == name);
            match (input.attribute("type"), known) {
                (Some("file"), _) => {}
                (_, Some(_)) if unchecked => {}
                (_, Some(known)) => value.clone_into(&mut known.1),
                (_, None) => fields.push((name.to_owned(), value.to_owned())),
            }
        }
        for area in form.all("textarea") {
            let value = area.raw_text();
            let value = value.strip_prefix('\n').unwrap_or(&value);
            fields.push((area.attribute("name").unwrap_or_default().to_owned(), value.to_owned()));
        }
        for select in form.all("select") {
            let chosen = select.all("option[selected]").first().and_then(|option| option.attribute("value"));
            fields
                .push((select.attribute("name").unwrap_or_default().to_owned(), chosen.unwrap_or_default().to_owned()));
        }
        Form { action: action.to_owned(), fields }
    }

    /// The addresses of all links inside.
    #[must_use]
    pub fn links(&self) -> Vec<String> {
        self.all("a").iter().filter_map(|link| link.attribute("href")).map(str::to_owned).collect()
    }

    /// What the refused form's summary says, and the messages beside the fields, by field.
    #[must_use]
    pub fn refusals(&self) -> Vec<(String, String)> {
        let summary = self.all("[role=alert] a");
        let field =
            |link: &&Self| (link.attribute("href").unwrap_or_default().trim_start_matches('#').to_owned(), link.text());
        let refusals: Vec<(String, String)> = summary.iter().map(field).collect();
        for (field, text) in &refusals {
            let beside = self.all(&format!("#{field}-error"));
            assert!(beside.iter().any(|message| message.text().contains(text)), "no message beside {field}: {text}");
        }
        refusals
    }
}

fn convert(handles: &[NodeHandle], parser: &Parser<'_>) -> Vec<Child> {
    let nodes = handles.iter().filter_map(|handle| handle.get(parser));
    let child = |node: &Node<'_>| match node {
        Node::Raw(bytes) => Some(Child::Text(unescaped(&bytes.as_utf8_str()))),
        Node::Comment(_) => None,
        Node::Tag(tag) => {
            let value =
                |text: Option<std::borrow::Cow<'_, str>>| text.map_or_else(String::new, |text| unescaped(&text));
            let attributes = tag.attributes().iter().map(|(name, text)| (name.to_lowercase(), value(text)));
            Some(Child::Element(Page {
                name: tag.name().as_utf8_str().to_lowercase(),
                attributes: attributes.collect(),
                children: convert(tag.children().top().as_slice(), parser),
            }))
        }
    };
    nodes.filter_map(child).collect()
}

/// The entities that the platform's templates write.
fn unescaped(text: &str) -> String {
    let named = [
        ("&nbsp;", "\u{a0}"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&#39;", "'"),
    ];
    named.iter().fold(text.to_owned(), |text, (entity, sign)| text.replace(entity, sign)).replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::Page;

    const HTML: &str = "<!DOCTYPE html><title>Ошибка: A</title><form action=\"/login\"><input type=\"hidden\" name=\"csrf\" value=\"t&quot;\">\
        <input name=\"email\"><input type=checkbox name=ok value=yes></form><p class=\"a b\">К&nbsp;оплате <b>1 &lt; 2</b></p>\
        <data id=\"debt\" class=\"num\" value=\"-5\">−0,05</data>";

    #[test]
    fn selectors_find_elements() {
        let page = Page::parse(HTML);
        assert_eq!(page.one("p.b").text(), "К оплате 1 < 2");
        assert_eq!(page.all("form input").len(), 3);
        assert!(page.has("[name=email]") && !page.has("p.c") && !page.has("p input"));
        assert_eq!(page.title(), "Ошибка: A");
        assert_eq!((page.figure("debt"), page.figure("charged")), (Some(-5), None));
    }

    #[test]
    fn a_form_keeps_its_hidden_values() {
        let form = Page::parse(HTML).form("/login").with("email", "a@b");
        assert_eq!(form.value("csrf"), Some("t\""));
        assert_eq!(form.value("email"), Some("a@b"));
        assert_eq!(form.value("ok"), Some(""));
    }
}
