//! Where the contract's types lie in a module's memory, as the AssemblyScript template writes it
//! down: that language has no generator of bindings, so the figures come from the contract itself.

use std::fmt::Write as _;

use anyhow::Result;
use wit_parser::{Function, Resolve, SizeAlign, Type, TypeDef, TypeDefKind, TypeOwner};

const HEAD: &str = "\
// Generated from the contract by `plugins/build --layout`: do not edit. Where each field lies by the
// canonical ABI of components, bytes from the beginning; SIZE is the distance in a list.
";

/// The text of the template's `src/layout.ts`.
pub(crate) fn text(resolve: &Resolve) -> Result<String> {
    let mut sizes = SizeAlign::default();
    sizes.fill(resolve);
    let mut text = HEAD.to_owned();
    let named = resolve.types.iter().map(|(_, def)| def).filter(|def| matches!(def.owner, TypeOwner::Interface(_)));
    for def in named.filter(|def| def.name.is_some()) {
        fields(&sizes, def, &mut text)?;
    }
    for (_, interface) in &resolve.interfaces {
        for function in interface.functions.values() {
            result(resolve, &sizes, function, &mut text)?;
        }
    }
    options(resolve, &sizes, &mut text)?;
    Ok(text)
}

fn fields(sizes: &SizeAlign, def: &TypeDef, text: &mut String) -> Result<()> {
    let name = camel(def.name.as_deref().unwrap_or_default(), true);
    match &def.kind {
        TypeDefKind::Record(record) => {
            write!(text, "export enum {name}At {{ ")?;
            let offsets = sizes.field_offsets(record.fields.iter().map(|field| &field.ty));
            for (field, (offset, _)) in record.fields.iter().zip(offsets) {
                write!(text, "{} = {}, ", camel(&field.name, false), offset.size_wasm32())?;
            }
            let whole = sizes.record(record.fields.iter().map(|field| &field.ty));
            writeln!(text, "SIZE = {} }}", whole.size.size_wasm32())?;
        }
        TypeDefKind::Variant(variant) => {
            let cases = || variant.cases.iter().map(|case| case.ty.as_ref());
            let payload = sizes.payload_offset(variant.tag(), cases()).size_wasm32();
            writeln!(text, "export enum {name}At {{ payload = {payload} }}")?;
        }
        _ => {}
    }
    Ok(())
}

/// What a function gives back, where it is a `result`: the memory that its pointer points to.
fn result(resolve: &Resolve, sizes: &SizeAlign, function: &Function, text: &mut String) -> Result<()> {
    let Some(Type::Id(id)) = &function.result else { return Ok(()) };
    if let TypeDefKind::Result(result) = &resolve.types[*id].kind {
        let cases = [result.ok.as_ref(), result.err.as_ref()];
        let payload = sizes.payload_offset(wit_parser::Int::U8, cases).size_wasm32();
        let size = sizes.size(&Type::Id(*id)).size_wasm32();
        let name = camel(&function.name, true);
        writeln!(text, "export enum {name}At {{ payload = {payload}, SIZE = {size} }}")?;
    }
    Ok(())
}

/// Where the value of an `option` lies behind its flag.
fn options(resolve: &Resolve, sizes: &SizeAlign, text: &mut String) -> Result<()> {
    let mut seen = Vec::new();
    for (_, def) in &resolve.types {
        if let TypeDefKind::Option(ty) = &def.kind {
            let name = match ty {
                Type::Id(id) => resolve.types[*id].name.clone().unwrap_or_default(),
                plain => format!("{plain:?}").to_lowercase(),
            };
            let payload = sizes.payload_offset(wit_parser::Int::U8, [Some(ty)]).size_wasm32();
            seen.push(format!("{} = {payload}", camel(&name, false)));
        }
    }
    seen.sort();
    seen.dedup();
    writeln!(text, "export enum OptionAt {{ {} }}", seen.join(", "))?;
    Ok(())
}

/// `house-meter` as `houseMeter` or `HouseMeter`.
fn camel(name: &str, mut capital: bool) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter == '-' {
            capital = true;
        } else {
            out.push(if capital { letter.to_ascii_uppercase() } else { letter });
            capital = false;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::module::contract;

    fn plugins() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("plugins/")
    }

    fn template(file: &str) -> String {
        fs::read_to_string(plugins().join("templates/typescript/src").join(file)).expect(file)
    }

    #[test]
    fn the_template_has_the_layout_of_the_contract() {
        let (resolve, _) = contract(plugins(), "1.0.0").expect("the contract");
        assert_eq!(template("layout.ts"), text(&resolve).expect("a layout"), "run `plugins/build --layout`");
    }

    /// By hand, from the rules of the canonical ABI: a pointer is 4 bytes, a decimal begins at a multiple of 8.
    #[test]
    fn the_layout_is_the_one_worked_out_by_hand() {
        let (resolve, _) = contract(plugins(), "1.0.0").expect("the contract");
        let text = text(&resolve).expect("a layout");
        for line in [
            "export enum DecimalAt { mantissa = 0, scale = 8, SIZE = 16 }",
            "export enum PeriodAt { year = 0, month = 2, SIZE = 4 }",
            "export enum PriceAt { zone = 0, above = 8, amount = 24, SIZE = 40 }",
            "export enum ZoneReadingAt { zone = 0, previous = 8, current = 24, history = 48, SIZE = 56 }",
            "export enum SpanAt { fromDay = 0, toDay = 1, residents = 2, owners = 4, area = 8, SIZE = 24 }",
            "export enum AbsenceAt { residents = 0, days = 2, SIZE = 4 }",
            "export enum AccountAt { index = 0, premises = 4, area = 8, residents = 24, owners = 26, house = 28, \
             spans = 36, absences = 44, services = 52, SIZE = 64 }",
            "export enum LineAt { service = 0, method = 2, reason = 3, volume = 8, parts = 24, norm = 32, \
             coefficient = 56, amount = 80, excess = 96, recalculations = 112, trace = 120, SIZE = 128 }",
            "export enum AccountFailureAt { index = 0, service = 4, message = 8, SIZE = 16 }",
            "export enum FailureAt { payload = 4 }",
            "export enum CalculateAt { payload = 4, SIZE = 24 }",
            "export enum OptionAt { decimal = 8, reason = 1, u16 = 2, u32 = 4 }",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    /// An enumeration travels as the position of its case.
    #[test]
    fn the_templates_enumerations_are_in_the_contracts_order() {
        let (resolve, _) = contract(plugins(), "1.0.0").expect("the contract");
        let plain: String = template("contract.ts").split_whitespace().collect();
        let mut seen = 0;
        for (_, def) in &resolve.types {
            let (Some(name), TypeDefKind::Enum(cases)) = (&def.name, &def.kind) else { continue };
            let cases: Vec<String> = cases.cases.iter().map(|case| camel(&case.name, true)).collect();
            let begins = format!("exportenum{}{{{}", camel(name, true), cases.join(","));
            let (_, rest) = plain.split_once(&begins).unwrap_or_else(|| panic!("{begins}"));
            // Nothing follows but what has a number of its own.
            assert!(rest.trim_start_matches(',').starts_with(['}', '/']), "{begins}");
            seen += 1;
        }
        assert_eq!(seen, 10);
    }
}
