//! `plugin.toml`: what the platform must know about a plugin before it runs it.
//!
//! ```toml
//! id = "intercom"
//! version = "0.1.0"
//! api = "1.0.0"
//! title = "Фиксированная плата за помещение"
//!
//! [config.free_days]
//! title = "Дней месяца, за которые плата не берётся"
//! unit = "day"
//! min = "0"
//! max = "30"
//! default = "0"
//!
//! [limits]
//! memory_mib = 4
//! fuel_per_line = 20000
//! ```

mod fields;

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::api::{PluginInfo, Unit};
use crate::limits::Limits;
use crate::words;
use fields::Fields;

/// Longest id and longest name of a setting, bytes.
const NAME: usize = 64;
const MEBIBYTE: usize = 1 << 20;
/// Longest text, bytes.
const LARGEST: usize = 64 * 1024;
/// Most numbers that a company may set: all of them arrive with each batch.
const MOST_SETTINGS: usize = 100;

/// What a plugin's author declares.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The plugin's id, as the component says it.
    pub id: String,
    /// The plugin's own version, as the component says it.
    pub version: String,
    /// Version of the contract the component is built for.
    pub api: String,
    /// What the plugin is, for the company's staff.
    pub title: String,
    /// Numbers that a company may set, in the order of their names.
    pub config: Vec<Setting>,
    /// Limits of a call: those of production, or what the plugin lowers them to.
    pub limits: Limits,
    /// The text it was read from.
    pub source: String,
}

/// A number that a company may set; it arrives as a parameter of the batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Name of the batch's parameter.
    pub name: String,
    /// What the number is, for the company's staff.
    pub title: String,
    /// Unit of the number.
    pub unit: Unit,
    /// Smallest value allowed, in the setting's unit.
    pub min: Decimal,
    /// Largest value allowed, in the setting's unit.
    pub max: Decimal,
    /// What holds where a company sets nothing.
    pub default: Decimal,
}

impl Setting {
    /// Whether a company may set the number: it is within the setting's limits and fits into the contract.
    #[must_use]
    pub fn takes(&self, number: Decimal) -> bool {
        (self.min..=self.max).contains(&number) && fields::misfit(number).is_none()
    }
}

/// Every mistake of a `plugin.toml`, each beginning with the name of its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct ManifestError(pub Vec<String>);

impl Manifest {
    /// The manifest that stands in the text of a `plugin.toml`.
    ///
    /// # Errors
    /// All mistakes at once, or the first place where the text is no TOML.
    pub fn read(text: &str) -> Result<Manifest, ManifestError> {
        if text.len() > LARGEST {
            return Err(ManifestError(vec![format!("{} bytes, at most {LARGEST} are allowed", text.len())]));
        }
        let table = text.parse::<toml::Table>().map_err(|error| ManifestError(vec![not_toml(text, &error)]))?;
        let mut mistakes = Vec::new();
        let mut fields = Fields::new("", table, &mut mistakes);
        let (id, version) = (fields.text("id"), fields.text("version"));
        let (api, title) = (fields.text("api"), fields.text("title"));
        let config = fields.tables("config");
        let limits = fields.table("limits");
        fields.end();
        if !id.is_empty() && !is_id(&id) {
            mistakes.push(format!("id: {ID_RULE}, not «{id}»"));
        }
        if config.len() > MOST_SETTINGS {
            mistakes.push(format!("config: {} numbers, at most {MOST_SETTINGS} are allowed", config.len()));
        }
        let config = config.into_iter().map(|(name, table)| setting(name, table, &mut mistakes)).collect();
        let limits = lowered(limits, &mut mistakes);
        if mistakes.is_empty() {
            Ok(Manifest { id, version, api, title, config, limits, source: text.to_owned() })
        } else {
            Err(ManifestError(mistakes))
        }
    }

    /// The numbers that the plugin calculates with: those that are `given` by name, its defaults for the others.
    ///
    /// # Errors
    /// Each name that is given and not declared, or whose number is out of its limits, with what is wrong in Russian.
    pub fn numbers(
        &self,
        given: &BTreeMap<String, Decimal>,
    ) -> Result<BTreeMap<String, Decimal>, Vec<(String, String)>> {
        let declared = |name: &String| self.config.iter().find(|setting| setting.name == *name);
        let problem = |(name, number): (&String, &Decimal)| match declared(name) {
            None => Some((name.clone(), "такого числа у плагина нет".to_owned())),
            Some(setting) if !setting.takes(*number) => Some((name.clone(), words::range(setting))),
            Some(_) => None,
        };
        let problems: Vec<_> = given.iter().filter_map(problem).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let number = |setting: &Setting| given.get(&setting.name).copied().unwrap_or(setting.default);
        Ok(self.config.iter().map(|setting| (setting.name.clone(), number(setting))).collect())
    }

    /// Whether the component is the one that the manifest speaks of.
    ///
    /// # Errors
    /// Each of id, version and contract version that the two do not agree on.
    pub fn agrees_with(&self, info: &PluginInfo) -> Result<(), ManifestError> {
        let pairs =
            [("id", &self.id, &info.id), ("version", &self.version, &info.version), ("api", &self.api, &info.api)];
        let differing = pairs.into_iter().filter(|(_, here, there)| here != there);
        let mistakes: Vec<String> = differing
            .map(|(field, here, there)| format!("{field}: plugin.toml says «{here}», the component «{there}»"))
            .collect();
        if mistakes.is_empty() { Ok(()) } else { Err(ManifestError(mistakes)) }
    }
}

/// What [`is_id`] wants, in words.
pub const ID_RULE: &str = "lower-case letters, digits and dashes, beginning with a letter, at most 64";

/// Whether a text may be a plugin's id: it is also the name of its folder, package and component.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.len() <= NAME && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(allowed)
}

fn setting(name: String, table: toml::Table, mistakes: &mut Vec<String>) -> Setting {
    let path = format!("config.{name}");
    if name.is_empty() || name.len() > NAME || name.chars().any(char::is_control) {
        mistakes.push(format!("{path}: a name of a setting has 1 to {NAME} bytes"));
    }
    let mut fields = Fields::new(&path, table, mistakes);
    let (title, unit) = (fields.text("title"), fields.unit("unit"));
    let (min, max, default) = (fields.decimal("min"), fields.decimal("max"), fields.decimal("default"));
    fields.end();
    if let (Some(min), Some(max)) = (min, max) {
        if min > max {
            mistakes.push(format!("{path}.min: {min} is above max, {max}"));
        } else if let Some(default) = default.filter(|default| !(min..=max).contains(default)) {
            mistakes.push(format!("{path}.default: {default} is not between min, {min}, and max, {max}"));
        }
    }
    // A missing number is a mistake, so its stand-in is never seen.
    Setting {
        name,
        title,
        unit: unit.unwrap_or(Unit::One),
        min: min.unwrap_or_default(),
        max: max.unwrap_or_default(),
        default: default.unwrap_or_default(),
    }
}

fn lowered(table: toml::Table, mistakes: &mut Vec<String>) -> Limits {
    let most = Limits::PRODUCTION;
    let mut fields = Fields::new("limits", table, mistakes);
    let memory = fields.limit("memory_mib", most.memory_bytes / MEBIBYTE);
    let fuel = fields.limit("fuel_per_line", most.fuel_per_line);
    fields.end();
    Limits {
        memory_bytes: memory.map_or(most.memory_bytes, |mebibytes| mebibytes * MEBIBYTE),
        fuel_per_line: fuel.unwrap_or(most.fuel_per_line),
    }
}

fn not_toml(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
    let said = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    format!("line {}: {said}", before.matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
id = "intercom"
version = "0.1.0"
api = "1.0.0"
title = "Домофон"

[config.free_days]
title = "Дней без платы"
unit = "day"
min = "0"
max = "30.5"
default = "1"

[limits]
memory_mib = 4
fuel_per_line = 20000
"#;

    fn mistakes(text: &str) -> Vec<String> {
        Manifest::read(text).expect_err("mistakes").0
    }

    #[test]
    fn a_whole_manifest_is_read() {
        let manifest = Manifest::read(WHOLE).expect("a manifest");
        assert_eq!((manifest.id.as_str(), manifest.version.as_str()), ("intercom", "0.1.0"));
        assert_eq!((manifest.api.as_str(), manifest.title.as_str()), ("1.0.0", "Домофон"));
        let [setting] = manifest.config.as_slice() else { panic!("{:?}", manifest.config) };
        assert_eq!((setting.name.as_str(), setting.title.as_str()), ("free_days", "Дней без платы"));
        assert_eq!(setting.unit, Unit::Day);
        let number = |text: &str| text.parse::<Decimal>().expect("a number");
        assert_eq!((setting.min, setting.max, setting.default), (number("0"), number("30.5"), number("1")));
        assert_eq!(manifest.limits, Limits { memory_bytes: 4 << 20, fuel_per_line: 20_000 });
        let taken = ["0", "30.5", "-1", "31", "0.0000000001"].map(|text| setting.takes(number(text)));
        assert_eq!(taken, [true, true, false, false, false]);
    }

    #[test]
    fn a_company_sets_what_is_declared_within_its_limits_and_has_the_defaults_of_the_rest() {
        let manifest = Manifest::read(WHOLE).expect("a manifest");
        let number = |text: &str| text.parse::<Decimal>().expect("a number");
        let given = |name: &str, text: &str| manifest.numbers(&BTreeMap::from([(name.to_owned(), number(text))]));
        let is = |text: &str| Ok(BTreeMap::from([("free_days".to_owned(), number(text))]));
        assert_eq!((manifest.numbers(&BTreeMap::new()), given("free_days", "30.5")), (is("1"), is("30.5")));
        for (name, text, words) in [("free_days", "31", "от 0 до 30,5"), ("days", "1", "такого числа")] {
            let problems = given(name, text).expect_err(name);
            assert!(problems.len() == 1 && problems[0].0 == name && problems[0].1.contains(words), "{problems:?}");
        }
    }

    #[test]
    fn what_is_left_out_is_as_in_production() {
        let short = WHOLE.split_once("[config").expect("settings").0;
        let manifest = Manifest::read(short).expect("a manifest");
        assert_eq!((manifest.config.len(), manifest.limits), (0, Limits::PRODUCTION));
        let only_memory = Manifest::read(&WHOLE.replace("fuel_per_line = 20000", "")).expect("a manifest");
        assert_eq!(only_memory.limits.fuel_per_line, Limits::PRODUCTION.fuel_per_line);
        let highest = WHOLE.replace("memory_mib = 4", "memory_mib = 16").replace("20000", "100000");
        assert_eq!(Manifest::read(&highest).expect("a manifest").limits, Limits::PRODUCTION);
    }

    #[test]
    fn a_mistake_is_named_by_its_field() {
        for (there, instead, named) in [
            (r#"id = "intercom""#, r#"id = "Intercom""#, "id: lower-case letters"),
            (r#"id = "intercom""#, r#"id = "1st""#, "id: lower-case letters"),
            (r#"id = "intercom""#, r#"id = """#, "id: is empty"),
            (r#"id = "intercom""#, "", "id: is missing"),
            (r#"version = "0.1.0""#, "version = 1", "version: a text is wanted"),
            (r#"api = "1.0.0""#, r#"abi = "1.0.0""#, "api: is missing"),
            (r#"title = "Домофон""#, "title = \"a\\tb\"", "title: has more than"),
            ("[limits]", "colour = \"red\"\n[limits]", "config.free_days.colour: is not known"),
            (r#"unit = "day""#, r#"unit = "week""#, "config.free_days.unit: unknown variant `week`"),
            (r#"min = "0""#, "min = 0", "config.free_days.min: a decimal number as text is wanted"),
            (r#"min = "0""#, r#"min = "0,5""#, "config.free_days.min: a decimal number as text is wanted"),
            (r#"min = "0""#, r#"min = "0.0000000001""#, "config.free_days.min: has more than 9 places"),
            (r#"max = "30.5""#, r#"max = "99999999999999999999""#, "config.free_days.max: has too many digits"),
            (r#"min = "0""#, r#"min = "31""#, "config.free_days.min: 31 is above max, 30.5"),
            (r#"default = "1""#, r#"default = "30.6""#, "config.free_days.default: 30.6 is not between"),
            (r#"default = "1""#, "", "config.free_days.default: is missing"),
            ("memory_mib = 4", "memory_mib = 17", "limits.memory_mib: 17 is above the limit of production, 16"),
            ("memory_mib = 4", "memory_mib = 0", "limits.memory_mib: a whole number from 1 is wanted"),
            ("memory_mib = 4", "memory_mib = 1.5", "limits.memory_mib: a whole number from 1 is wanted"),
            ("= 20000", "= 100001", "limits.fuel_per_line: 100001 is above the limit of production, 100000"),
            ("= 20000", "= -1", "limits.fuel_per_line: a whole number from 1 is wanted"),
            ("fuel_per_line", "fuel", "limits.fuel: is not known"),
        ] {
            assert!(WHOLE.contains(there), "{there}");
            let found = mistakes(&WHOLE.replace(there, instead));
            assert!(found.iter().any(|mistake| mistake.starts_with(named)), "{named}: {found:?}");
        }
    }

    #[test]
    fn all_mistakes_come_at_once_and_broken_toml_with_its_line() {
        let found = mistakes("id = \"A\"\nversion = \"1\"\napi = 1\nconfig = 3\n[limits]\nmemory_mib = 99\n");
        let fields: Vec<&str> = found.iter().filter_map(|mistake| Some(mistake.split_once(':')?.0)).collect();
        assert_eq!(fields, ["api", "title", "config", "id", "limits.memory_mib"]);
        let broken = mistakes("id = \"a\"\nversion = \n");
        assert!(broken.len() == 1 && broken[0].starts_with("line 2: "), "{broken:?}");
        assert!(!broken[0].contains('\n'));
    }

    #[test]
    fn neither_text_nor_settings_are_without_end() {
        let long = format!("{WHOLE}#{}", "x".repeat(LARGEST));
        assert_eq!(mistakes(&long), [format!("{} bytes, at most 65536 are allowed", long.len())]);
        let setting = |n: usize| {
            format!("[config.n{n}]\ntitle = \"n\"\nunit = \"one\"\nmin = \"0\"\nmax = \"1\"\ndefault = \"0\"\n")
        };
        let with = |count: usize| (1..count).map(setting).fold(WHOLE.to_owned(), |text, one| text + &one);
        assert_eq!(Manifest::read(&with(100)).expect("a manifest").config.len(), 100);
        assert_eq!(mistakes(&with(101)), ["config: 101 numbers, at most 100 are allowed"]);
    }

    #[test]
    fn a_component_must_be_the_one_declared() {
        let manifest = Manifest::read(WHOLE).expect("a manifest");
        let info = |id: &str, version: &str| PluginInfo {
            hash: String::new(),
            api: "1.0.0".to_owned(),
            id: id.to_owned(),
            version: version.to_owned(),
            rules: Vec::new(),
            component_bytes: 0,
            artifact_bytes: 0,
        };
        assert_eq!(manifest.agrees_with(&info("intercom", "0.1.0")), Ok(()));
        let differing = manifest.agrees_with(&info("heat", "0.2.0")).expect_err("they differ").0;
        let expected = [
            "id: plugin.toml says «intercom», the component «heat»",
            "version: plugin.toml says «0.1.0», the component «0.2.0»",
        ];
        assert_eq!(differing, expected);
    }

    #[test]
    fn an_id_is_a_plain_name() {
        let longest = "a".repeat(64);
        for good in ["intercom", "heat-2", "a", longest.as_str()] {
            assert!(is_id(good), "{good}");
        }
        let too_long = "a".repeat(65);
        for bad in ["", "-a", "2a", "Heat", "a_b", "a/b", "..", "тепло", "a b", too_long.as_str()] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
