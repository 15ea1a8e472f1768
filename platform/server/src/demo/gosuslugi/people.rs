//! Invented people with accounts at the stand-in.

use sha2::{Digest, Sha256};

/// Somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// What to type as login.
    pub login: String,
    /// The identifier.
    pub oid: u64,
    /// Surname, name, patronymic.
    pub name: [String; 3],
    /// Whether the account is a confirmed one.
    pub trusted: bool,
    /// The verified e-mail.
    pub email: Option<String>,
    /// The verified mobile phone.
    pub phone: Option<String>,
    /// What the choice says about this person.
    pub note: String,
}

/// The people on the login page.
pub(super) fn offered() -> Vec<Person> {
    let resident = |slug: &str, surname: &str, note: &str| Person {
        // ESIA writes addresses in capitals.
        email: Some(format!("RESIDENT@{}.EXAMPLE", slug.to_uppercase())),
        note: note.to_owned(),
        ..person(&format!("resident-{slug}"), surname)
    };
    vec![
        Person {
            note: "подтверждена, есть Email".to_owned(), ..person("sokolova@mail.example", "Соколова")
        },
        Person {
            email: None, note: "подтверждена, нет Email".to_owned(), ..person("+7 900 000-00-01", "Гусева")
        },
        Person {
            trusted: false,
            note: "не подтверждена".to_owned(),
            ..person("uproshennaya@mail.example", "Лебедева")
        },
        resident("beregovoy", "Береговая", "Email жителя «Берегового»"),
        resident("teploset", "Тёплая", "Email жителя «Теплосети»"),
    ]
}

/// The person with this login. An e-mail nobody of the above has is a trusted person with that address,
/// anything else one without; so every test and visitor can be somebody new.
pub(super) fn by_login(login: &str) -> Option<Person> {
    let login = login.trim();
    if login.is_empty() {
        return None;
    }
    Some(offered().into_iter().find(|person| person.login == login).unwrap_or_else(|| person(login, "Новикова")))
}

/// A trusted person, whose e-mail is the login where it is one.
fn person(login: &str, surname: &str) -> Person {
    Person {
        login: login.to_owned(),
        oid: oid(login),
        name: [surname, "Анна", "Ивановна"].map(str::to_owned),
        trusted: true,
        email: login.contains('@').then(|| login.to_owned()),
        phone: Some("+7(900)0000001".to_owned()),
        note: String::new(),
    }
}

/// Ten digits, the same for the same login.
fn oid(login: &str) -> u64 {
    let hash = Sha256::digest(login.as_bytes());
    let number = hash.iter().take(7).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    1_000_000_000 + number % 9_000_000_000
}
