//! What people write to a bot, read: a reading, an appeal, or neither. Pure.

use kabinet_meters::Resource;

/// What somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saying {
    /// Readings, one a line.
    Readings(Vec<Reading>),
    /// An appeal to the company.
    Appeal(String),
    /// Neither: the bot says what it understands.
    Other,
}

/// A reading as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What is measured, where it was named.
    pub resource: Option<Resource>,
    /// The meter's serial number or its end, where it was named.
    pub serial: Option<String>,
    /// The figures, one a zone.
    pub values: Vec<String>,
    /// A doubtful figure is meant.
    pub confirmed: bool,
}

/// Beginnings of words that name a resource.
const RESOURCES: [(&str, Resource); 13] = [
    ("хвс", Resource::ColdWater),
    ("хв", Resource::ColdWater),
    ("холод", Resource::ColdWater),
    ("гвс", Resource::HotWater),
    ("гв", Resource::HotWater),
    ("горяч", Resource::HotWater),
    ("эл", Resource::Electricity),
    ("ээ", Resource::Electricity),
    ("свет", Resource::Electricity),
    ("отопл", Resource::Heat),
    ("тепл", Resource::Heat),
    ("газ", Resource::Gas),
    ("вод", Resource::ColdWater),
];

/// Words that begin an appeal.
const APPEALS: [&str; 3] = ["обращение", "заявка", "жалоба"];
/// The word that means a doubtful figure.
const CONFIRMED: &str = "верно";
/// Figures of a line: one a zone.
const MOST_VALUES: usize = 3;

/// Reads what somebody wrote.
#[must_use]
pub fn read(text: &str) -> Saying {
    let text = text.trim();
    if let Some(appeal) = appeal(text) {
        return Saying::Appeal(appeal);
    }
    let lines: Vec<&str> = text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty()).collect();
    let readings: Option<Vec<Reading>> = lines.iter().map(|line| reading(line)).collect();
    match readings {
        Some(readings) if !readings.is_empty() => Saying::Readings(readings),
        _ => Saying::Other,
    }
}

fn appeal(text: &str) -> Option<String> {
    let first: String = text.chars().take_while(|c| c.is_alphabetic()).collect();
    if !APPEALS.contains(&first.to_lowercase().as_str()) {
        return None;
    }
    let rest = text[first.len()..].trim_start_matches([':', '.', ',', '-', '–', ' ', '\n']).trim();
    (!rest.is_empty()).then(|| rest.to_owned())
}

/// A line such as «хвс 123,4», «свет 4865 2310», «гвс №4471 88 верно» or «123,4»; none for any other.
fn reading(line: &str) -> Option<Reading> {
    let mut found = Reading::default();
    // «№ 18-103» is one thing, though written as two words.
    let line = line.replace("№ ", "№");
    for word in line.split([' ', '\t', ':', '=']).filter(|word| !word.is_empty()) {
        let lower = word.to_lowercase();
        if is_figure(word) {
            found.values.push(word.to_owned());
        } else if lower == CONFIRMED {
            found.confirmed = true;
        } else if let Some(serial) = word.strip_prefix('№').filter(|serial| !serial.is_empty()) {
            found.serial = Some(serial.to_owned());
        } else if let Some((_, resource)) = RESOURCES.iter().find(|(name, _)| lower.starts_with(name)) {
            // «холодная вода» names one thing twice.
            found.resource = found.resource.or(Some(*resource));
        } else {
            return None;
        }
    }
    ((1..=MOST_VALUES).contains(&found.values.len())).then_some(found)
}

fn is_figure(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let others = word.chars().filter(|c| !c.is_ascii_digit()).count();
    digits > 0 && others <= 1 && word.chars().all(|c| c.is_ascii_digit() || c == ',' || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Reading {
        match read(text) {
            Saying::Readings(mut readings) if readings.len() == 1 => readings.remove(0),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn readings_are_understood_as_people_write_them() {
        let cold = one(" ХВС 123,4 ");
        assert_eq!((cold.resource, cold.values), (Some(Resource::ColdWater), vec!["123,4".to_owned()]));
        assert_eq!(one("Холодная вода: 123.4").resource, Some(Resource::ColdWater));
        assert_eq!(one("горячая 15").resource, Some(Resource::HotWater));
        assert_eq!(one("свет 4865 2310").values, ["4865", "2310"]);
        let listed = one("Холодная вода № 18-103 131");
        assert_eq!((listed.serial.as_deref(), listed.values), (Some("18-103"), vec!["131".to_owned()]));
        let bare = one("123,4");
        assert_eq!((bare.resource, bare.serial), (None, None));
        let named = one("гвс №4471 88 верно");
        assert_eq!((named.serial.as_deref(), named.confirmed), (Some("4471"), true));
        match read("хвс 1\nгвс 2; свет 3") {
            Saying::Readings(lines) => assert_eq!(lines.len(), 3),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_appeal_begins_with_its_word() {
        assert_eq!(read("Обращение: не горит свет 3 дня"), Saying::Appeal("не горит свет 3 дня".to_owned()));
        assert_eq!(read("заявка\nтечёт кран"), Saying::Appeal("течёт кран".to_owned()));
        for other in ["обращение", "спасибо", "не горит свет", "хвс", "хвс 1 2 3 4", "хвс 1,2,3", "привет 5", ""]
        {
            assert_eq!(read(other), Saying::Other, "{other}");
        }
    }
}
