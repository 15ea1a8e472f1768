//! Packages that are wrong, each in one place: the mistake is named by file, line and field.

use std::path::{Path, PathBuf};

use super::{KnownFeatures, Package, Problem, read};

const SLUG: &str = "slug = \"beregovoy\"";

fn packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tenants")
}

fn known() -> KnownFeatures {
    KnownFeatures::from(["requests", "notifications", "paperless"])
}

/// A copy of a package with `find` replaced by `put` in one file.
struct Copy(PathBuf);

impl Copy {
    fn of(slug: &str, file: &str, find: &str, put: &str) -> Self {
        let random: [u8; 8] = kabinet_core::Entropy.bytes();
        let dir = std::env::temp_dir().join(format!("kabinet-package-{}", hex::encode(random)));
        copy_folder(&packages().join(slug), &dir);
        let text = std::fs::read_to_string(dir.join(file)).expect(file);
        assert!(text.contains(find), "{file} has no {find}");
        std::fs::write(dir.join(file), text.replacen(find, put, 1)).expect(file);
        Self(dir)
    }

    fn read(&self) -> Result<Package, Vec<Problem>> {
        read(&self.0, &known())
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("folder");
    for entry in std::fs::read_dir(from).expect("package") {
        let entry = entry.expect("entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("file");
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    /// A hand that slips on the keyboard breaks nothing but the package.
    #[test]
    fn a_damaged_package_is_read_or_refused_by_place(
        file in proptest::sample::select(vec!["tenant.toml", "tariffs.toml"]),
        at in 0.0_f64..1.0,
        cut in 0_usize..40,
        put in r"[\[\]{}='0-9a-zа-я.,#\n\x00-]{0,12}|.{0,6}",
    ) {
        let copy = Copy::of("beregovoy", file, "", "");
        let text = std::fs::read_to_string(copy.0.join(file)).expect(file);
        let letters: Vec<char> = text.chars().collect();
        let from = (letters.len() as f64 * at) as usize;
        let damaged: String =
            letters[..from].iter().copied().chain(put.chars()).chain(letters[(from + cut).min(letters.len())..].iter().copied()).collect();
        std::fs::write(copy.0.join(file), &damaged).expect(file);
        if let Err(problems) = copy.read() {
            proptest::prop_assert!(!problems.is_empty());
            let lines = damaged.lines().count().max(1);
            for problem in problems.iter().filter(|problem| problem.file == file) {
                proptest::prop_assert!(problem.line.is_none_or(|line| (1..=lines + 1).contains(&line)), "{problem}");
                proptest::prop_assert!(!problem.message.is_empty(), "{problem}");
            }
        }
    }

    /// A text in another encoding, or a file of another program in the place of one of ours.
    #[test]
    fn a_file_of_any_bytes_that_are_no_text_is_refused_by_its_name(
        file in proptest::sample::select(vec!["tenant.toml", "tariffs.toml"]),
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        at in 0.0_f64..1.0,
    ) {
        let copy = Copy::of("beregovoy", file, "", "");
        let whole = std::fs::read(copy.0.join(file)).expect(file);
        let (before, after) = whole.split_at((whole.len() as f64 * at) as usize);
        for content in [[bytes.as_slice(), &[0xff]].concat(), [before, &bytes, &[0xff], after].concat()] {
            std::fs::write(copy.0.join(file), content).expect(file);
            let problems = copy.read().expect_err("not a package");
            proptest::prop_assert!(problems.iter().any(|problem| problem.file == file), "{problems:?}");
        }
    }
}

fn line_of(text: &str, find: &str) -> usize {
    text.lines().position(|line| line.contains(find)).map_or(0, |at| at + 1)
}

#[test]
fn the_packages_of_the_demo_are_good() {
    for slug in ["beregovoy", "teploset"] {
        let package = read(&packages().join(slug), &known()).expect(slug);
        assert_eq!(package.slug, slug);
        assert_eq!(package, read(&packages().join(slug), &known()).expect(slug), "read twice");
        assert!(package.logo.is_some());
        let notes: Vec<_> = package.catalog.tariffs.iter().map(|tariff| tariff.note.as_str()).collect();
        assert!(notes.iter().any(|note| note.starts_with("Допущение")), "assumptions are marked");
    }
}

const ALL_MONTH: &str = "[readings]\nfrom_day = 1\nto_day = 31";

#[test]
fn rules_for_readings_are_read_by_source() {
    use kabinet_meters::settings::{Closed, Expired, Lower, Unusual};
    use kabinet_meters::{ReadingsWindow, Source};
    let rules = "[readings]\nlower = \"ask\"\nclosed = \"next_month\"\n\n[readings.sources.guest]\n\
                 unusual = \"refuse\"\nunusual_times = 3\nexpired = \"refuse\"";
    let package = Copy::of("beregovoy", "tenant.toml", ALL_MONTH, rules).read().expect("package");
    assert_eq!(package.readings.window, ReadingsWindow { from_day: 15, to_day: 25 }, "where nothing is said of days");
    let (portal, guest) = (package.readings.policy(Source::Portal), package.readings.policy(Source::Guest));
    assert_eq!((portal.lower, portal.closed, portal.times), (Lower::Ask, Closed::NextMonth, 4));
    assert_eq!((guest.unusual, guest.times, guest.expired), (Unusual::Refuse, 3, Expired::Refuse));
    assert_eq!(guest.lower, Lower::Ask);
}

#[test]
fn a_changed_file_changes_the_hash() {
    let plain = read(&packages().join("beregovoy"), &known()).expect("package");
    let changed = Copy::of("beregovoy", "tenant.toml", "200-10-10", "200-10-12").read().expect("package");
    assert_ne!(plain.hash, changed.hash);
}

/// File, what to replace, by what, the field that must be named; the line is that of the replacement.
const BROKEN: &[(&str, &str, &str, &str)] = &[
    ("tenant.toml", "slug = \"beregovoy\"", "slug = \"Береговой\"", "slug"),
    ("tenant.toml", "slug = \"beregovoy\"", "slug = \"admin\"", "slug"),
    ("tenant.toml", "Asia/Yekaterinburg", "Asia/Chelyabinsk", "time_zone"),
    ("tenant.toml", "\"beregovoy.localhost\"", "\"beregovoy.localhost:8080\"", "hosts"),
    ("tenant.toml", "\"beregovoy.localhost\"", "\"bank.localhost\"", "hosts"),
    ("tenant.toml", "\"beregovoy.localhost\"", "", "hosts"),
    ("tenant.toml", "features = [", "features = [\"billing\", ", "features"),
    ("tenant.toml", "inn = \"7453991200\"", "inn = \"7453991201\"", "legal.inn"),
    ("tenant.toml", "ogrn = \"1207400991203\"", "ogrn = \"1207400991204\"", "legal.ogrn"),
    ("tenant.toml", "kpp = \"745301001\"", "kpp = \"74530100\"", "legal.kpp"),
    ("tenant.toml", "info@beregovoy.example", "info(at)beregovoy", "contacts.email"),
    ("tenant.toml", "https://beregovoy.example", "javascript:alert(1)", "contacts.site"),
    ("tenant.toml", "phone = \"8 (351) 200-10-10\"", "phone = \"звоните\"", "contacts.phone"),
    ("tenant.toml", "#0b6e8a", "teal", "brand.color"),
    ("tenant.toml", "brand/logo.svg", "brand/missing.svg", "brand.logo"),
    ("tenant.toml", "brand/logo.svg", "../logo.svg", "brand.logo"),
    ("tenant.toml", "logo = \"brand/logo.svg\"", "logo = \"tariffs.toml\"", "brand.logo"),
    ("tenant.toml", ALL_MONTH, "[readings]\nfrom_day = 15", "readings.from_day"),
    ("tenant.toml", "[readings]", "[readings]\nlower = \"maybe\"", "readings.lower"),
    ("tenant.toml", "[readings]", "[readings]\nunusual_times = 1", "readings.unusual_times"),
    ("tenant.toml", "[readings]", "[readings]\nsources.pigeon.lower = \"ask\"", "readings.sources.pigeon"),
    ("tenant.toml", "[readings]", "[readings]\nsources.guest.later = \"ask\"", "readings.sources.guest.later"),
    ("tenant.toml", "day = 15", "day = 29", "due_days[1].day"),
    ("tenant.toml", SLUG, "slug = \"beregovoy\"\nreceipts.qr_encoding = \"morse\"", "receipts.qr_encoding"),
    ("tenant.toml", SLUG, "slug = \"beregovoy\"\nabsences.free_days = 40", "absences.free_days"),
    ("tenant.toml", SLUG, "slug = \"beregovoy\"\npenalties.low_only = [\"roof\"]", "penalties.low_only"),
    ("tenant.toml", "from = \"2026-02\"", "from = \"2019-02\"", "due_days[1].from"),
    ("tenant.toml", "40702810600090001234", "40702810600090001235", "receipt_kinds[0].supplier.settlement_account"),
    ("tenant.toml", "30101810000000000991", "30101810000000000992", "receipt_kinds[0].supplier.correspondent_account"),
    ("tenant.toml", "bic = \"047501991\"", "bic = \"47501991\"", "receipt_kinds[0].supplier.bic"),
    ("tenant.toml", "code = \"capital_repair\"", "code = \"utilities\" # again", "receipt_kinds[1].code"),
    ("tenant.toml", "unit = \"cubic_metre\"", "unit = \"bucket\"", "services[1].unit"),
    ("tenant.toml", "section = \"maintenance\"", "section = \"sundry\"", "services[0].section"),
    ("tenant.toml", "receipt = \"utilities\"", "receipt = \"waste\"", "services[0].receipt"),
    ("tenant.toml", "use = \"standard\"", "use = \"missing.wasm\"", "plugin.use"),
    ("tenant.toml", "question = 7", "question = 11", "requests.deadlines.question"),
    ("tenant.toml", "question = 7", "questions = 7", "requests.deadlines.questions"),
    ("tenant.toml", "addressee = ", "addresse = ", "paperless.addresse"),
    ("tenant.toml", "\"max\", \"email\", \"sms\"", "\"pigeon\"", "notifications.order"),
    ("tenant.toml", "quiet_from = 21", "quiet_from = 24", "notifications.quiet_from"),
    ("tenant.toml", "debt_over = 500000", "debt_above = 500000", "notifications.automatic.debt_above"),
    ("tenant.toml", "price = 120000", "price = \"1200\"", "paid_services[0].price"),
    ("tenant.toml", "price = 120000", "prise = 120000", "paid_services[0].prise"),
    ("tenant.toml", "code = \"socket\"", "code = \"tap\" # again", "paid_services[1].code"),
    ("tenant.toml", "code = \"socket\"", "code = \"Розетка\"", "paid_services[1].code"),
    ("tenant.toml", "hours = ", "ours = ", "contacts.ours"),
    ("tenant.toml", "name = \"УК «Береговой»\"", "name = 5", "name"),
    ("tenant.toml", "name = \"УК «Береговой»\"", "name = \"\"", "name"),
    ("tariffs.toml", "price = \"27.60\"", "price = \"-27.60\"", "maintenance[0].price"),
    ("tariffs.toml", "price = \"27.60\"", "price = \"27,60\"", "maintenance[0].price"),
    ("tariffs.toml", "price = \"27.60\"", "prise = \"27.60\"", "maintenance[0].prise"),
    ("tariffs.toml", "from = \"2026-01\"", "from = \"2022-01\"", "maintenance[1].from"),
    ("tariffs.toml", "from = \"2026-01\"", "from = \"January\"", "maintenance[1].from"),
    ("tariffs.toml", "coefficient = \"1.5\"", "coefficient = \"0.5\"", "cold_water[0].coefficient"),
    ("tariffs.toml", "norm = \"4.2\"", "norm = true", "cold_water[0].norm"),
    ("tariffs.toml", "above = \"3900\"", "above = \"0.0\"", "electricity[0].prices[1].above"),
    ("tariffs.toml", "zone = \"night\"", "zone = \"dusk\"", "electricity[0].prices[6].zone"),
    ("tariffs.toml", "\"flat\", \"room\"", "\"flat\", \"yard\"", "maintenance[0].premises"),
    ("tariffs.toml", "[[waste]]", "[[wastes]]", "wastes"),
    ("tariffs.toml", "percent = \"9.5\"", "percent = \"950\"", "penalty[0].percent"),
    ("tariffs.toml", "until = \"2026-12-31\"", "until = \"2026-12-32\"", "penalty[0].until"),
    ("tariffs.toml", "until = \"2026-12-31\"", "until = \"2020-12-31\"", "penalty[0].until"),
    ("tariffs.toml", "from = \"2027-01-01\"", "", "penalty[1].from"),
    ("tariffs.toml", "[[penalty]]\nfrom = \"2027-01-01\"", "[[penalty]]\nfrom = \"2026-12-31\"", "penalty[1].from"),
];

#[test]
fn a_package_says_how_bills_are_printed_and_which_absences_count() {
    let said = "slug = \"beregovoy\"\nreceipts.qr_encoding = \"cp1251\"\nreceipts.notes = [\"Приём по вторникам.\"]
absences.free_days = 3\nhouses.carry_rest = true\npenalties.low_only = [\"other\"]";
    let package = Copy::of("beregovoy", "tenant.toml", SLUG, said).read().expect("a package");
    let billing = package.billing;
    assert_eq!(billing.qr_encoding, kabinet_render::payment_qr::QrEncoding::Cp1251);
    assert_eq!((billing.receipt_notes, billing.free_absence_days), (vec!["Приём по вторникам.".to_owned()], 3));
    assert_eq!(billing.low_penalty, [kabinet_billing::catalog::Section::Other]);
    assert!(billing.carry_house_rest && package.catalog.due_days.len() == 2);
    let usual = read(&packages().join("beregovoy"), &known()).expect("a package").billing;
    assert_eq!((usual.free_absence_days, usual.carry_house_rest), (5, false));
}

#[test]
fn each_mistake_is_named_by_its_place() {
    for (file, find, put, field) in BROKEN {
        let copy = Copy::of("beregovoy", file, find, put);
        let problems = copy.read().expect_err(put);
        let text = std::fs::read_to_string(copy.0.join(file)).expect(file);
        let named = problems.iter().find(|problem| problem.field == *field);
        let problem = named.unwrap_or_else(|| panic!("{put}: {field} is not named in {problems:#?}"));
        assert_eq!(problem.file, *file, "{put}");
        assert!(!problem.message.is_empty());
        let first = put.lines().last().unwrap_or_default();
        if !first.is_empty() {
            assert_eq!(problem.line, Some(line_of(&text, first)), "{put}: {problem}");
        }
    }
}

#[test]
fn all_mistakes_are_found_at_once() {
    let copy =
        Copy::of("beregovoy", "tenant.toml", "inn = \"7453991200\"\nkpp = \"745301001\"", "inn = \"1\"\nkpp = \"2\"");
    let tariffs = copy.0.join("tariffs.toml");
    let text = std::fs::read_to_string(&tariffs).expect("tariffs");
    std::fs::write(&tariffs, text.replacen("27.60", "много", 1)).expect("tariffs");
    let problems = copy.read().expect_err("broken");
    let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["legal.inn", "legal.kpp", "maintenance[0].price"]);
    assert_eq!(problems[0].to_string().split(':').next(), Some("tenant.toml"));
}

#[test]
fn a_broken_file_is_named_by_line() {
    let copy = Copy::of("beregovoy", "tenant.toml", "[brand]", "[brand");
    let problems = copy.read().expect_err("broken");
    let text = std::fs::read_to_string(copy.0.join("tenant.toml")).expect("file");
    assert_eq!(problems[0].file, "tenant.toml");
    assert_eq!(problems[0].line, Some(line_of(&text, "[brand")));
}

#[test]
fn a_folder_without_a_package_is_named() {
    let problems = read(&packages().join("nobody"), &known()).expect_err("no folder");
    let files: Vec<_> = problems.iter().map(|problem| problem.file.as_str()).collect();
    assert_eq!(files, ["tenant.toml", "tariffs.toml"]);
}
