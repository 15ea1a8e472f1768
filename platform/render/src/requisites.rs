//! Whether bank details can be true: shapes and check digits.

use crate::receipt::SupplierRequisites;

/// What is wrong with one field of the requisites, fit to be shown beside it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct RequisiteError {
    /// Name of the field in [`SupplierRequisites`].
    pub field: &'static str,
    /// What is wrong, in Russian.
    pub message: String,
}

/// Every mistake in the requisites; an empty list means that they can be printed
/// and paid to. Check digits catch typing errors, not wrong owners.
pub fn validate(requisites: &SupplierRequisites) -> Vec<RequisiteError> {
    let mut found = Vec::new();
    let mut note = |field, problem: Option<&str>| {
        if let Some(message) = problem {
            found.push(RequisiteError { field, message: message.to_owned() });
        }
    };
    note("name", name_problem(&requisites.name, 160));
    note("inn", inn_problem(&requisites.inn));
    note("kpp", kpp_problem(&requisites.kpp));
    note("bank_name", name_problem(&requisites.bank_name, 45));
    let bic = bic_problem(&requisites.bic);
    note("bic", bic);
    // Against a wrong BIC every account would look wrong, too.
    let digits = if bic.is_none() { requisites.bic.as_str() } else { "" };
    note("settlement_account", settlement_problem(&requisites.settlement_account, digits));
    note("correspondent_account", correspondent_problem(&requisites.correspondent_account, digits));
    found
}

fn name_problem(name: &str, limit: usize) -> Option<&'static str> {
    if name.trim().is_empty() {
        return Some("Укажите наименование");
    }
    let too_long = name.chars().count() > limit;
    too_long.then_some(if limit == 45 {
        "Наименование банка длиннее 45 знаков"
    } else {
        "Наименование длиннее 160 знаков"
    })
}

/// Why an ИНН cannot be one: 10 digits of a firm or 12 of a person, with their
/// check digits.
pub fn inn_problem(inn: &str) -> Option<&'static str> {
    const FIRM: [u32; 9] = [2, 4, 10, 3, 5, 9, 4, 6, 8];
    const PERSON_FIRST: [u32; 10] = [7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
    const PERSON_SECOND: [u32; 11] = [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
    let Some(digits) = digits_of(inn) else {
        return Some("ИНН состоит из цифр");
    };
    let right = match digits.len() {
        10 => inn_digit(&digits, &FIRM) == digits[9],
        12 => inn_digit(&digits, &PERSON_FIRST) == digits[10] && inn_digit(&digits, &PERSON_SECOND) == digits[11],
        _ => return Some("В ИНН должно быть 10 или 12 цифр"),
    };
    (!right).then_some("Контрольная цифра ИНН не сходится: проверьте номер")
}

fn inn_digit(digits: &[u32], weights: &[u32]) -> u32 {
    let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
    sum % 11 % 10
}

fn kpp_problem(kpp: &str) -> Option<&'static str> {
    if kpp.is_empty() {
        return None;
    }
    // Positions five and six name the reason and may be Latin capitals.
    let shaped = kpp.len() == 9
        && kpp
            .bytes()
            .enumerate()
            .all(|(at, byte)| byte.is_ascii_digit() || ((at == 4 || at == 5) && byte.is_ascii_uppercase()));
    (!shaped).then_some("В КПП должно быть 9 знаков")
}

fn bic_problem(bic: &str) -> Option<&'static str> {
    let shaped = digits_of(bic).is_some_and(|digits| digits.len() == 9 && digits[0] <= 2);
    (!shaped).then_some("БИК — это 9 цифр, первая из них 0, 1 или 2")
}

/// `bic` is empty when it is wrong itself; then only the shape is checked.
fn settlement_problem(account: &str, bic: &str) -> Option<&'static str> {
    if digits_of(account).is_none_or(|digits| digits.len() != 20) {
        return Some("В расчётном счёте должно быть 20 цифр");
    }
    let tail = bic.get(6..)?;
    // Accounts at the central bank itself are keyed by its region.
    let right = if matches!(tail, "000" | "001" | "002") {
        account_key_holds(&central_key(bic), account)
    } else {
        account_key_holds(tail, account)
    };
    (!right).then_some("Расчётный счёт не сходится с БИК: проверьте оба номера")
}

fn correspondent_problem(account: &str, bic: &str) -> Option<&'static str> {
    if digits_of(account).is_none_or(|digits| digits.len() != 20) {
        return Some("В корреспондентском счёте должно быть 20 цифр");
    }
    let tail = bic.get(6..)?;
    if account.starts_with("301") && !account.ends_with(tail) {
        return Some("Последние три цифры корреспондентского счёта и БИК не совпадают");
    }
    let right = account_key_holds(&central_key(bic), account);
    (!right).then_some("Корреспондентский счёт не сходится с БИК: проверьте оба номера")
}

fn central_key(bic: &str) -> String {
    format!("0{}", bic.get(4..6).unwrap_or_default())
}

/// The rule of the central bank: products with 7, 1, 3, their last digits summed,
/// divisible by ten.
fn account_key_holds(key: &str, account: &str) -> bool {
    let digits = key.chars().chain(account.chars()).filter_map(|c| c.to_digit(10));
    let sum: u32 = digits.zip([7, 1, 3].into_iter().cycle()).map(|(digit, weight)| digit * weight % 10).sum();
    sum.is_multiple_of(10)
}

fn digits_of(text: &str) -> Option<Vec<u32>> {
    let ascii = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    ascii.then(|| text.chars().filter_map(|c| c.to_digit(10)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn published_numbers_hold() {
        // ИНН of Sberbank and of a person from the tax service's examples.
        assert_eq!(inn_problem("7707083893"), None);
        assert_eq!(inn_problem("500100732259"), None);
        assert!(inn_problem("7707083894").is_some());
        assert!(inn_problem("500100732258").is_some());
        assert!(inn_problem("77070838").is_some());
        assert!(inn_problem("77070838９3").is_some());
        assert_eq!(correspondent_problem("30101810400000000225", "044525225"), None);
    }

    #[test]
    fn every_wrong_digit_of_the_accounts_is_found() {
        let good = samples::requisites();
        assert_eq!(validate(&good), []);
        for at in 0..20 {
            let mut wrong = good.clone();
            let digit = (wrong.settlement_account.as_bytes()[at] - b'0' + 1) % 10;
            wrong.settlement_account.replace_range(at..=at, &digit.to_string());
            assert_eq!(validate(&wrong)[0].field, "settlement_account");
        }
        let mut wrong = good.clone();
        wrong.correspondent_account.replace_range(10..=10, "7");
        assert_eq!(validate(&wrong)[0].field, "correspondent_account");
    }

    #[test]
    fn a_wrong_bic_does_not_blame_the_accounts() {
        let mut wrong = samples::requisites();
        wrong.bic = "04452522".into();
        let fields: Vec<_> = validate(&wrong).into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["bic"]);
    }

    #[test]
    fn each_field_speaks_for_itself() {
        let empty = SupplierRequisites {
            name: String::new(),
            inn: "1".into(),
            kpp: "12".into(),
            settlement_account: String::new(),
            bank_name: "б".repeat(46),
            bic: "x".into(),
            correspondent_account: "30".into(),
        };
        let fields: Vec<_> = validate(&empty).into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["name", "inn", "kpp", "bank_name", "bic", "settlement_account", "correspondent_account"]);
    }
}
