//! The command line: what can be asked of the binary, and what it answers.

mod audit;
mod bill;
mod demo;
mod info;
mod mail;
mod plugin;
mod progress;
mod receipts;
mod scratch;
mod secrets;
mod serve;
mod tenant;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kabinet_core::{Period, priority};

use crate::composition::{App, migrate};
use crate::config::Config;

/// The configuration that is used when none is named and the working folder has it.
const USUAL_CONFIG: &str = "kabinet.toml";

/// Kabinet: a platform for housing and utilities billing.
#[derive(Debug, Parser)]
#[command(name = "kabinet", version = info::version(), propagate_version = true)]
struct Cli {
    /// Configuration file; kabinet.toml of the working folder if it is there
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the portals
    Serve {
        /// Two companies with made-up data; their logins are printed
        #[arg(long)]
        demo: bool,
    },
    /// Internal: the sandbox process
    #[command(hide = true)]
    Worker,
    /// Bring the database's tables up to date
    Migrate,
    /// Say what this binary is and whether what it needs is there
    #[command(alias = "build-info")]
    Doctor,
    /// Print the OpenAPI document
    Openapi,
    /// Internal: print the addresses of the portal's pages, places of identifiers as `:id`
    #[command(hide = true)]
    Pages,
    /// The configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Companies
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Calculate a month for a company
    Bill {
        /// The company
        slug: String,
        /// The month, as 2026-10
        period: Period,
        /// Publish the bills when all are calculated
        #[arg(long)]
        publish: bool,
        /// Calculate a published month again from its frozen inputs and compare
        #[arg(long, conflicts_with = "publish")]
        replay: bool,
    },
    /// Print the receipts of a house into one file
    Receipts(receipts::Arguments),
    /// Tariff plugins
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// The audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Secrets of companies
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Letters
    #[command(subcommand)]
    Mail(MailCommand),
    /// Made-up data
    #[command(subcommand)]
    Demo(DemoCommand),
}

#[derive(Debug, Subcommand)]
enum SecretsCommand {
    /// Add a key and seal all secrets under it; servers may run meanwhile
    Rotate,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Check that nothing was edited, removed, reordered or cut off, in all companies or one
    Verify {
        /// The company
        slug: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
enum MailCommand {
    /// Send a letter of trial in a company's name: it goes into the queue of the server
    Test {
        /// The company
        slug: String,
        /// The address it goes to
        address: String,
    },
    /// Take a message that came to the bounce address from standard input, as a mail server's pipe: a letter that it
    /// reports as failed is ended
    Bounce,
}

impl Command {
    /// The status when it fails. What a mail server hands over must not be lost while the database is away.
    fn failure(&self) -> ExitCode {
        match self {
            Self::Mail(MailCommand::Bounce) => ExitCode::from(mail::TRY_AGAIN),
            _ => ExitCode::FAILURE,
        }
    }
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Read the configuration and say what is wrong with it
    Check,
}

#[derive(Debug, Subcommand)]
enum TenantCommand {
    /// Set a company up from its package, or bring it to what the package says
    Apply {
        /// The folder with tenant.toml
        dir: PathBuf,
    },
    /// List the companies
    List,
}

#[derive(Debug, Subcommand)]
enum PluginCommand {
    /// Check that a plugin can be used
    Check {
        /// The WebAssembly component
        file: PathBuf,
    },
    /// Calculate a case and compare it with what it expects
    Run {
        /// The WebAssembly component
        file: PathBuf,
        /// The case
        case: PathBuf,
    },
    /// Run all golden cases of a plugin, under the limits of its plugin.toml
    Test {
        /// The folder with plugin.toml and cases/
        dir: PathBuf,
        /// The WebAssembly component; ID.wasm of that folder if not named
        component: Option<PathBuf>,
    },
    /// Begin a plugin: a folder with a rule that works, its case and its build
    New(plugin::NewArguments),
}

#[derive(Debug, Subcommand)]
enum DemoCommand {
    /// Fill the database with made-up companies, the same for the same seed
    Seed(demo::SeedArguments),
}

/// How much workers give way: what they print may be a town's receipts, or one that a resident waits for.
const WORKERS_GIVE_WAY: i32 = 5;

/// Does what the command line asks; the exit status. `commit` is that which the program was built of, where known.
#[must_use]
pub fn main(commit: Option<&'static str>) -> ExitCode {
    info::built_of(commit);
    let cli = Cli::parse();
    if matches!(cli.command, Command::Worker) {
        // Before any thread starts: this concerns the whole process.
        priority::give_way(WORKERS_GIVE_WAY);
        kabinet_sandbox::worker_main(&[
            kabinet_plugin_host::compile_task(),
            kabinet_render::receipt_task(),
            kabinet_render::document_task(),
        ]);
    }
    let failure = cli.command.failure();
    match run(cli) {
        Ok(status) => status,
        Err(error) => {
            // One line, whatever its causes say.
            let line = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
            eprintln!("kabinet: {line}");
            failure
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let config = load(cli.config.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(answer(config, cli.command))
}

async fn answer(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve { demo } => serve::serve(config, demo).await?,
        Command::Worker => {}
        Command::Migrate => {
            std::fs::create_dir_all(&config.data.dir)?;
            migrate(&config).await?;
            println!("the tables are up to date");
        }
        Command::Doctor => return info::doctor(&config).await,
        Command::Openapi => {
            let scratch = scratch::Scratch::new()?;
            let app = App::open(scratch.config()).await?;
            tell(&serde_json::to_string_pretty(&app.openapi()?)?)?;
        }
        Command::Pages => {
            let scratch = scratch::Scratch::new()?;
            println!("{}", App::open(scratch.config()).await?.page_paths().join("\n"));
        }
        Command::Config(ConfigCommand::Check) => println!("{}", info::sketch(&config)),
        Command::Tenant(TenantCommand::Apply { dir }) => return tenant::apply(config, &dir).await,
        Command::Tenant(TenantCommand::List) => tenant::list(config).await?,
        Command::Bill { slug, period, replay: true, .. } => return bill::replay(config, &slug, period).await,
        Command::Bill { slug, period, publish, .. } => bill::bill(config, &slug, period, publish).await?,
        Command::Receipts(arguments) => receipts::print(config, &arguments).await?,
        Command::Plugin(PluginCommand::Check { file }) => plugin::check(&file).await?,
        Command::Plugin(PluginCommand::Run { file, case }) => return plugin::run(&file, &case).await,
        Command::Plugin(PluginCommand::Test { dir, component }) => {
            return plugin::test(&dir, component.as_deref()).await;
        }
        Command::Plugin(PluginCommand::New(arguments)) => plugin::new(&arguments)?,
        Command::Audit(AuditCommand::Verify { slug }) => return audit::verify(config, slug.as_deref()).await,
        Command::Secrets(SecretsCommand::Rotate) => secrets::rotate(config).await?,
        Command::Mail(MailCommand::Test { slug, address }) => mail::test(config, &slug, &address).await?,
        Command::Mail(MailCommand::Bounce) => mail::bounce(config).await?,
        Command::Demo(DemoCommand::Seed(arguments)) => demo::seed(config, &arguments).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a long document. Whoever closes the pipe before its end has read what they wanted.
fn tell(document: &str) -> io::Result<()> {
    match writeln!(io::stdout(), "{document}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        told => told,
    }
}

fn load(named: Option<&Path>) -> anyhow::Result<Config> {
    let usual = Path::new(USUAL_CONFIG);
    let file = named.or_else(|| usual.is_file().then_some(usual));
    Config::load(file)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_period_is_read_as_people_write_it() {
        let cli = Cli::try_parse_from(["kabinet", "bill", "beregovoy", "2026-10", "--publish"]).expect("arguments");
        assert!(matches!(cli.command, Command::Bill { period: Period(202_610), publish: true, .. }));
        assert!(Cli::try_parse_from(["kabinet", "bill", "beregovoy", "2026-13"]).is_err());
    }
}
