//! The character NUL: no person types it, and PostgreSQL keeps no text that has it. It is refused at the door, on
//! every database alike.

use poem::http::{StatusCode, Uri};

use crate::problem::Problem;

/// Refuses an address with a NUL in its path or query.
pub(crate) fn refuse_in_address(address: &Uri) -> Result<(), Problem> {
    refuse_if(address.path().contains("%00") || address.query().is_some_and(|query| query.contains("%00")))
}

/// Refuses JSON that spells a NUL in one of its texts; as itself it makes no JSON.
pub(crate) fn refuse_in_json(json: &[u8]) -> Result<(), Problem> {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let escape = &rest[at + 1..];
        refuse_if(escape.starts_with(b"u0000"))?;
        // What stands behind a backslash begins no other escape.
        rest = escape.get(1..).unwrap_or_default();
    }
    Ok(())
}

fn refuse_if(found: bool) -> Result<(), Problem> {
    let refusal = || Problem::new(StatusCode::BAD_REQUEST, "unreadable_text", "В тексте есть знак с кодом 0");
    if found { Err(refusal()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_is_found_where_it_is_spelt() {
        for good in [r#"{"a":"b"}"#, r#"{"a":"\\u0000"}"#, r#"{"a":"\u0001\n"}"#, r#"{"a":"\"#, ""] {
            assert!(refuse_in_json(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in [r#"{"a":"\u0000"}"#, r#"{"a":"b\\\u0000"}"#] {
            assert!(refuse_in_json(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(refuse_in_address(&Uri::from_static("/charges?period=2500%2500")).is_ok());
        assert!(refuse_in_address(&Uri::from_static("/charges?period=%00")).is_err());
        assert!(refuse_in_address(&Uri::from_static("/a%00b")).is_err());
    }

    proptest::proptest! {
        #[test]
        fn json_is_refused_exactly_when_a_text_of_it_has_a_nul(text in r#"[\x00\\u0"n ]{0,12}|(?s).{0,20}"#) {
            let json = serde_json::json!({ "a": [text], "b": 1 }).to_string();
            proptest::prop_assert_eq!(refuse_in_json(json.as_bytes()).is_err(), text.contains('\0'), "{}", json);
        }

        #[test]
        fn any_bytes_are_looked_through(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
            let _ = refuse_in_json(&bytes);
        }
    }
}
