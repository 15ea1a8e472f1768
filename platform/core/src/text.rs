//! Normalised keys for text that is searched: made here, because SQLite's `lower()` knows no Cyrillic
//! and PostgreSQL's depends on the locale.

/// The key of a name, flat or house number: lower case, ё as е, no spaces, hyphens or dots.
#[must_use]
pub fn search_key(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'ё' { 'е' } else { c })
        .filter(|c| c.is_alphanumeric() || *c == '/')
        .collect()
}

/// The key of an account number: as [`search_key`], without the «л/с» and «№» people write before it.
#[must_use]
pub fn account_key(text: &str) -> String {
    let key = search_key(text);
    let bare = key.trim_start_matches("л/с").trim_start_matches("лс");
    bare.to_owned()
}

/// The key of an e-mail address: trimmed, lower case.
#[must_use]
pub fn email_key(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_is_forgiven() {
        assert_eq!(search_key(" Алёшин-Петров "), search_key("алешин петров"));
        assert_eq!(account_key("л/с № 00-1234"), "001234");
        assert_eq!(account_key("ЛС001234"), "001234");
        assert_eq!(search_key("12/1 А"), "12/1а");
    }
}
