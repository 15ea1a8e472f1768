//! A core module of AssemblyScript made ready for a component: it knows nothing of the contract yet.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use wasm_encoder::{ConstExpr, DataCountSection, DataSection, ExportKind, ExportSection, Module, RawSection};
use wasmparser::{Data, DataKind, Operator, Parser, Payload};
use wit_component::StringEncoding;
use wit_parser::{Resolve, WorldId, WorldItem};

/// Data of a module: where it goes, and the bytes.
type Piece = (usize, Vec<u8>);

/// Bytes between two pieces of data that are worth writing out as zeros.
const GAP: usize = 4096;

/// The published contract of a version such as `1.0.0`, and its world.
pub(crate) fn contract(plugins: &Path, api: &str) -> Result<(Resolve, WorldId)> {
    let (version, _) = api.rsplit_once('.').with_context(|| format!("{api} is no version"))?;
    let folder = plugins.join(format!("wit/tariff-{version}"));
    ensure!(folder.is_dir(), "there is no contract {api}: {} is missing", folder.display());
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(&folder)?;
    let world = resolve.select_world(&[package], Some("tariff"))?;
    Ok((resolve, world))
}

/// The module with the contract's description in it and its functions under the contract's names:
/// an export of AssemblyScript is an identifier, such as `calculate`. Its texts are UTF-16. It has two
/// pieces of data for each text of the source, where the platform allows 100: they become one.
pub(crate) fn with_contract(module: &[u8], resolve: &Resolve, world: WorldId) -> Result<Vec<u8>> {
    let mut module = rewritten(module, &names(resolve, world))?;
    wit_component::embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF16)?;
    Ok(module)
}

/// Each function that the world exports: its own name, and the one a component wants.
fn names(resolve: &Resolve, world: WorldId) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for item in resolve.worlds[world].exports.values() {
        let WorldItem::Interface { id, .. } = item else { continue };
        let interface = resolve.id_of(*id).unwrap_or_default();
        for function in resolve.interfaces[*id].functions.keys() {
            names.push((function.replace('-', "_"), format!("{interface}#{function}")));
        }
    }
    names
}

fn rewritten(module: &[u8], names: &[(String, String)]) -> Result<Vec<u8>> {
    let pieces = pieces(module)?;
    let mut out = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        match (&payload, &pieces) {
            (Payload::ExportSection(exports), _) => {
                let mut renamed = ExportSection::new();
                for export in exports.clone() {
                    let export = export?;
                    let wanted = names.iter().find(|(plain, _)| plain == export.name);
                    renamed.export(
                        wanted.map_or(export.name, |(_, wanted)| wanted),
                        ExportKind::from(export.kind),
                        export.index,
                    );
                }
                out.section(&renamed);
            }
            (Payload::DataCountSection { .. }, Some(pieces)) => {
                out.section(&DataCountSection { count: u32::try_from(pieces.len())? });
            }
            (Payload::DataSection(_), Some(pieces)) => {
                let mut data = DataSection::new();
                for (offset, bytes) in pieces {
                    data.active(0, &ConstExpr::i32_const(i32::try_from(*offset)?), bytes.iter().copied());
                }
                out.section(&data);
            }
            _ => {
                if let Some((id, range)) = payload.as_section() {
                    let range = range.start..range.end;
                    out.section(&RawSection { id, data: module.get(range).context("a broken section")? });
                }
            }
        }
    }
    Ok(out.finish())
}

/// The data of a module by its place in memory, neighbours in one piece; nothing where the module
/// names pieces by number or their places are not known.
fn pieces(module: &[u8]) -> Result<Option<Vec<Piece>>> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::DataSection(section) = payload? {
            for data in section {
                let data = data?;
                let Some(offset) = place(&data)? else { return Ok(None) };
                found.push((offset, data.data));
            }
        }
    }
    found.sort_by_key(|(offset, _)| *offset);
    let mut pieces: Vec<Piece> = Vec::new();
    for (offset, bytes) in found {
        match pieces.last_mut().map(|(start, piece)| (offset.checked_sub(*start + piece.len()), *start, piece)) {
            // One over another: only their order says what is meant.
            Some((None, _, _)) => return Ok(None),
            Some((Some(gap), start, piece)) if gap <= GAP => {
                piece.resize(offset - start, 0);
                piece.extend_from_slice(bytes);
            }
            _ => pieces.push((offset, bytes.to_vec())),
        }
    }
    Ok(Some(pieces))
}

/// Where a piece of data goes when the module begins; nothing where that is not a plain number.
fn place(data: &Data<'_>) -> Result<Option<usize>> {
    let DataKind::Active { memory_index: 0, offset_expr } = &data.kind else { return Ok(None) };
    let mut operators = offset_expr.get_operators_reader();
    match (operators.read()?, operators.read()?) {
        // An address is a number without a sign.
        (Operator::I32Const { value }, Operator::End) => Ok(Some(usize::try_from(value as u32)?)),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_of_the_contract_has_a_name_that_a_language_can_spell() {
        let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("plugins/");
        let (resolve, world) = contract(plugins, "1.0.0").expect("the contract");
        let name = |plain: &str| (plain.to_owned(), format!("kabinet:tariff/calculation@1.0.0#{plain}"));
        assert_eq!(names(&resolve, world), [name("describe"), name("calculate")]);
        assert!(contract(plugins, "9.9.0").is_err());
    }

    /// A module with data at these places.
    fn data(pieces: &[(u32, &[u8])]) -> Vec<u8> {
        let mut section = DataSection::new();
        for (offset, bytes) in pieces {
            section.active(0, &ConstExpr::i32_const(*offset as i32), bytes.iter().copied());
        }
        let mut module = Module::new();
        module.section(&section);
        module.finish()
    }

    #[test]
    fn neighbours_become_one_piece_and_what_lies_far_off_stays_apart() {
        let found = pieces(&data(&[(16, b"cd"), (8, b"ab"), (20_000, b"far")])).expect("data");
        assert_eq!(found, Some(vec![(8, b"ab\0\0\0\0\0\0cd".to_vec()), (20_000, b"far".to_vec())]));
        assert_eq!(pieces(&data(&[(8, b"abc"), (10, b"de")])).expect("data"), None, "one over another");
        let mut passive = DataSection::new();
        passive.passive(*b"by number");
        let mut module = Module::new();
        module.section(&passive);
        assert_eq!(pieces(&module.finish()).expect("data"), None);
    }
}
