//! E-mail addresses as logins.

/// The mail domains that logins may be of: on the platform's and on the company's list; an empty list allows
/// all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Domains<'p> {
    /// The platform's list.
    pub(crate) platform: &'p [String],
    /// The company's list.
    pub(crate) company: Vec<String>,
}

impl Domains<'_> {
    fn allow(&self, domain: &str) -> bool {
        let on = |list: &[String]| list.is_empty() || list.iter().any(|known| known.eq_ignore_ascii_case(domain));
        on(self.platform) && on(&self.company)
    }

    /// The domains that both lists allow; empty for all.
    pub(crate) fn listed(&self) -> Vec<String> {
        let longer = if self.company.is_empty() { self.platform } else { &self.company };
        longer.iter().filter(|domain| self.allow(domain)).cloned().collect()
    }
}

/// The address without the spaces around it, or what is wrong with it.
pub(crate) fn checked(text: &str, domains: &Domains<'_>) -> Result<String, String> {
    let email = text.trim();
    if email.is_empty() {
        return Err("Введите Email".to_owned());
    }
    let Some((name, domain)) = email.rsplit_once('@').filter(|(name, domain)| is_name(name) && is_domain(domain))
    else {
        return Err("Проверьте Email: он пишется латинскими буквами, например ivanova@mail.ru".to_owned());
    };
    if name.len() > 64 || email.len() > 254 {
        return Err("Email слишком длинный".to_owned());
    }
    if domains.allow(domain) {
        return Ok(email.to_owned());
    }
    let listed = domains.listed().join(", ");
    Err(format!("Такая почта не подойдет. Укажите адрес почты на {listed}"))
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    !name.is_empty()
        && name.chars().all(plain)
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.contains('.') && domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_for_its_shape() {
        let all = Domains::default();
        assert_eq!(checked(" Anna.Petrova+uk@Mail.ru ", &all).as_deref(), Ok("Anna.Petrova+uk@Mail.ru"));
        for wrong in [
            "",
            "anna",
            "anna@",
            "@mail.ru",
            "anna@mail",
            "a b@mail.ru",
            "a\r\nBcc: x@mail.ru",
            "анна@mail.ru",
            "a@-x.ru",
            "a..b@mail.ru",
        ] {
            assert!(checked(wrong, &all).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn domains_must_be_on_both_lists() {
        let platform = ["mail.ru".to_owned(), "yandex.ru".to_owned()];
        let domains = Domains { platform: &platform, company: vec!["yandex.ru".to_owned(), "x.ru".to_owned()] };
        assert!(checked("a@YANDEX.ru", &domains).is_ok());
        assert!(checked("a@mail.ru", &domains).is_err_and(|text| text.ends_with("yandex.ru")));
        assert!(checked("a@x.ru", &domains).is_err());
        assert!(checked("a@mail.ru", &Domains { company: Vec::new(), ..domains }).is_ok());
    }
}
