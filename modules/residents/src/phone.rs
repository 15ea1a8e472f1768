//! Phone numbers: forgiven as typed, one form as stored.

/// The number as `+7XXXXXXXXXX`, however it was typed: with 8, spaces, brackets, hyphens; or what is
/// wrong with it.
pub(crate) fn normalised(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err("Введите номер телефона");
    }
    let wrong = "Проверьте номер телефона: например, +7 912 345-67-89";
    let usual = |c: char| c.is_ascii_digit() || c.is_whitespace() || "+-()–—.".contains(c);
    if !text.chars().all(usual) || text.chars().skip(1).any(|c| c == '+') {
        return Err(wrong);
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let bare = match (digits.len(), digits.as_bytes().first(), text.starts_with('+')) {
        (11, Some(b'7'), _) | (11, Some(b'8'), false) => &digits[1..],
        (10, _, false) => &digits,
        _ => return Err(wrong),
    };
    // No number of ten digits begins with 0, 1 or 2 in Russia; one that begins with 89 or 79 is a mobile number
    // with its 8 or 7 and without its last digit.
    let cut = digits.len() == 10 && (bare.starts_with("89") || bare.starts_with("79"));
    if cut || bare.starts_with(['0', '1', '2']) { Err(wrong) } else { Ok(format!("+7{bare}")) }
}

/// The stored number as people read it: `+7 912 345-67-89`.
pub(crate) fn shown(phone: &str) -> String {
    match phone.strip_prefix("+7").filter(|bare| bare.len() == 10 && bare.is_ascii()) {
        Some(bare) => format!("+7 {} {}-{}-{}", &bare[..3], &bare[3..6], &bare[6..8], &bare[8..]),
        None => phone.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_forgiven_its_spelling() {
        for text in
            ["+7 912 345-67-89", "8 (912) 345 67 89", "89123456789", "79123456789", "9123456789", " +7(912)3456789 "]
        {
            assert_eq!(normalised(text).as_deref(), Ok("+79123456789"), "{text}");
        }
        for text in [
            "",
            "112",
            "+8 912 345 67 89",
            "8 912 345 67 8",
            "телефон",
            "+1 202 555 01 23",
            "+7 012 345 67 89",
            "8+9123456789",
        ] {
            assert!(normalised(text).is_err(), "{text}");
        }
        assert_eq!(shown("+79123456789"), "+7 912 345-67-89");
        assert_eq!(shown(""), "");
    }
}
