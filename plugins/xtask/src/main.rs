//! Builds every plugin of `examples/`, or a plugin of yours, into a checked component.
//!
//! Uses the rustup target where it is installed, otherwise Debian's compiler with its
//! library source (a closed network can have the latter when it cannot have the former).

mod layout;
mod module;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{ComponentTypeRef, Parser, Payload};

const TARGET: &str = "wasm32-unknown-unknown";
/// A guest's own stack comes out of its memory; one mebibyte, the default, is far too much. Copies are one
/// instruction of the machine's instead of a loop: a quarter of a calculation.
const RUSTFLAGS: &str = "-C link-arg=-zstack-size=131072 -C target-feature=+bulk-memory";
/// The contract that the AssemblyScript template is written for.
const LAYOUT_OF: &str = "1.0.0";
const EXPORT: &str = "kabinet:tariff/calculation@";
/// Debian's packages: one version, so compiler and library source match.
const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/Cargo.toml";

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plugins: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Without arguments the examples, into the repository's target folder; `FOLDER`: into that one;
/// `--project DIR`: the plugin in `DIR`, beside its `plugin.toml`; `--project DIR --module FILE`: the
/// same of a core module that AssemblyScript compiled; `--layout`: that template's `src/layout.ts`.
fn build() -> Result<()> {
    // Cargo says at run time where the package lies: a cached executable may come from another clone.
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").context("start it by `cargo run`")?);
    let plugins = package.parent().context("no parent folder")?;
    let target_dir = env::var_os("CARGO_TARGET_DIR").map_or_else(|| plugins.join("target"), PathBuf::from);
    let mut arguments = env::args_os().skip(1);
    match arguments.next() {
        Some(flag) if flag == "--project" => {
            let project = PathBuf::from(arguments.next().context("--project wants a folder")?);
            match arguments.next() {
                Some(flag) if flag == "--module" => {
                    let module = PathBuf::from(arguments.next().context("--module wants a file")?);
                    wrap_project(plugins, &project, &module)
                }
                Some(other) => bail!("{} is not known", other.to_string_lossy()),
                None => build_project(&project, &target_dir),
            }
        }
        Some(flag) if flag == "--layout" => {
            let (contract, _) = module::contract(plugins, LAYOUT_OF)?;
            let file = plugins.join("templates/typescript/src/layout.ts");
            write_if_changed(&file, layout::text(&contract)?.as_bytes()).map(drop)
        }
        Some(folder) => build_examples(plugins, &target_dir, Path::new(&folder)),
        None => {
            let repository = plugins.parent().context("no repository")?;
            build_examples(plugins, &target_dir, &repository.join("target/release/plugins"))
        }
    }
}

fn build_examples(plugins: &Path, target_dir: &Path, out: &Path) -> Result<()> {
    let libraries = ["xtask", "kabinet-tariff-testkit"].map(|package| ["--exclude", package]);
    let mut arguments = vec!["--locked", "--workspace"];
    arguments.extend(libraries.as_flattened());
    compile_guests(plugins, target_dir, &arguments)?;
    fs::create_dir_all(out)?;
    let mut examples: Vec<_> = fs::read_dir(plugins.join("examples"))?.collect::<Result<_, _>>()?;
    examples.sort_by_key(fs::DirEntry::file_name);
    for example in examples {
        let manifest = example.path().join("plugin.toml");
        if !manifest.is_file() {
            continue;
        }
        let name = example.file_name().into_string().ok().context("a plugin's folder name is not text")?;
        write_component(target_dir, &format!("kabinet_tariff_{name}"), &name, out)?;
        write_if_changed(&out.join(format!("{name}.toml")), &fs::read(&manifest)?)?;
    }
    Ok(())
}

/// The plugin of a stranger, whose package has the plugin's id for a name.
fn build_project(project: &Path, target_dir: &Path) -> Result<()> {
    let id = declared(project, "id")?;
    compile_guests(project, target_dir, &[])?;
    write_component(target_dir, &id, &id, project)
}

/// The same of a module that is compiled already and was told nothing of the contract.
fn wrap_project(plugins: &Path, project: &Path, module: &Path) -> Result<()> {
    let id = declared(project, "id")?;
    let (contract, world) = module::contract(plugins, &declared(project, "api")?)?;
    let module = module::with_contract(&built(module)?, &contract, world)?;
    write_encoded(&module, &id, project)
}

/// A text of the plugin's `plugin.toml`, before its tables.
fn declared(project: &Path, key: &str) -> Result<String> {
    let manifest = project.join("plugin.toml");
    let text = fs::read_to_string(&manifest).with_context(|| format!("{} cannot be read", manifest.display()))?;
    let begins = format!("{key} = \"");
    let value = text.lines().find_map(|line| line.strip_prefix(&begins)?.split('"').next());
    let value = value.with_context(|| format!("{} has no line {begins}…\"", manifest.display()))?;
    Ok(value.to_owned())
}

/// Wraps a compiled package into `out/NAME.wasm`.
fn write_component(target_dir: &Path, package: &str, name: &str, out: &Path) -> Result<()> {
    let module = target_dir.join(format!("{TARGET}/release/{}.wasm", package.replace('-', "_")));
    write_encoded(&built(&module)?, name, out)
}

fn built(module: &Path) -> Result<Vec<u8>> {
    fs::read(module).with_context(|| format!("{} was not built", module.display()))
}

/// Wraps a module into `out/NAME.wasm` and says how large it is.
fn write_encoded(module: &[u8], name: &str, out: &Path) -> Result<()> {
    let component = encode(module).with_context(|| format!("plugin {name}"))?;
    let fresh = write_if_changed(&out.join(format!("{name}.wasm")), &component)?;
    println!("{name}: {} bytes{}", component.len(), if fresh { "" } else { ", unchanged" });
    Ok(())
}

fn compile_guests(folder: &Path, target_dir: &Path, arguments: &[&str]) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--target", TARGET]).args(arguments);
    build.arg("--target-dir").arg(target_dir).current_dir(folder);
    // Flags meant for the host would change the component.
    for inherited in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        build.env_remove(inherited);
    }
    build.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", RUSTFLAGS);
    if !rustup_target()? {
        debian_compiler()?;
        build.args(["-Zbuild-std=std,panic_abort"]);
        build.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
        build.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker()?);
    }
    ensure!(build.status()?.success(), "the plugins did not compile");
    Ok(())
}

/// Whether the ordinary compiler has the library of the target.
fn rustup_target() -> Result<bool> {
    let folder = rustc(&["--print", "target-libdir", "--target", TARGET])?;
    Ok(Path::new(&folder).is_dir())
}

/// Makes sure that Debian's compiler and its library source are there.
fn debian_compiler() -> Result<()> {
    let there = || Path::new(DEBIAN_RUSTC).exists() && Path::new(DEBIAN_SOURCE).exists();
    if there() {
        return Ok(());
    }
    let need = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/need");
    for file in [DEBIAN_RUSTC, DEBIAN_SOURCE] {
        Command::new(&need).arg(file).args(DEBIAN_PACKAGES).status().with_context(|| need.display().to_string())?;
    }
    if there() {
        return Ok(());
    }
    bail!(
        "no compiler for {TARGET}: run `rustup target add {TARGET}`, or as root `apt-get install {}`",
        DEBIAN_PACKAGES.join(" ")
    )
}

/// The linker that comes with the ordinary toolchain, or LLVM's own.
fn linker() -> Result<PathBuf> {
    let sysroot = rustc(&["--print", "sysroot"])?;
    let host = rustc(&["--print", "host-tuple"])?;
    let bundled = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/rust-lld");
    Ok(if bundled.exists() { bundled } else { "wasm-ld".into() })
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let output = Command::new("rustc").args(arguments).output().context("rustc does not start")?;
    ensure!(output.status.success(), "rustc {} failed", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The component of a core module: valid, without imports, with the contract's export.
fn encode(module: &[u8]) -> Result<Vec<u8>> {
    let component = wit_component::ComponentEncoder::default().validate(true).module(module)?.encode()?;
    let mut exported = false;
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(&component) {
        match payload? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports {
                    let import = import?;
                    ensure!(
                        matches!(import.ty, ComponentTypeRef::Type(_)),
                        "imports {}, which is outside the contract",
                        import.name.name
                    );
                }
            }
            Payload::ComponentExportSection(exports) if depth == 1 => {
                for export in exports {
                    exported |= export?.name.name.starts_with(EXPORT);
                }
            }
            _ => {}
        }
    }
    ensure!(exported, "does not export {EXPORT}…; is export_tariff! missing?");
    Ok(component)
}

/// Writes a file unless it already holds these bytes; whether it wrote.
fn write_if_changed(file: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(file).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    fs::write(file, bytes).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(true)
}
