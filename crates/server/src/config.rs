//! Flags and environment, read once and turned into typed values. Nothing else in Holt reads the environment.

mod elsewhere;
mod mcp;
mod model;
mod publish;
mod readers;
mod render;
mod smoke;
mod values;
mod workers;

pub use elsewhere::ElsewhereArgs;
pub use mcp::McpArgs;
pub use model::{ModelArgs, ModelCommand};
pub use publish::PublishArgs;
pub use readers::ReadersArgs;
pub use render::{RenderArgs, RenderFormat};
pub use smoke::SmokeArgs;
pub use workers::{ToldArgs, WorkerArgs, WorkersCommand};

use crate::proxies::Network;
use crate::workers::Choice;
use clap::{Args, Parser, Subcommand, ValueEnum};
use holt_core::BaseDomain;
use holt_fragments::Forms;
use http::HeaderName;
use std::net::SocketAddr;
use std::path::PathBuf;
use values::{encodings, header_of_ones_own};

/// A home for git-backed Markdown wikis that people and their AI agents write together.
#[derive(Debug, Parser)]
#[command(name = "holt", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Examples:\n  holt serve                                   serve ./data at http://127.0.0.1:8080\n  holt import otterwiki /var/lib/otterwiki     bring in an Otterwiki, history and accounts included\n  holt render < page.md                        Markdown to HTML, no data directory needed\n\nEvery flag also has a HOLT_* variable; exit codes: 0 done, 1 failed, 2 bad command line."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Where the data is.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// The data directory
    #[arg(long, env = "HOLT_DATA", default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, Args)]
pub struct OutputArgs {
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

impl OutputArgs {
    /// The format asked for.
    pub fn format(self) -> OutputFormat {
        if self.json { OutputFormat::Json } else { OutputFormat::Text }
    }
}

/// See [`OutputArgs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the wikis of a data directory
    #[command(after_help = "Example:\n  holt serve --data /srv/holt --listen 0.0.0.0:8080 --domain wiki.example.org")]
    Serve(Box<ServeArgs>),
    /// Turn Markdown on standard input into HTML
    #[command(
        after_help = "Examples:\n  holt render < page.md\n  holt render --format json --set WIKILINK_STYLE=LINKTITLE --set PAGE_URL=/Guide/Setup < page.md"
    )]
    Render(RenderArgs),
    /// Make, list, rename, suspend and delete wikis
    #[command(subcommand)]
    Wiki(WikiCommand),
    /// Let wikis answer at domains of their own
    #[command(subcommand)]
    Domain(DomainCommand),
    /// Say what wikis of a plan may have
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Add and list people
    #[command(subcommand)]
    User(UserCommand),
    /// Make access tokens for programs
    #[command(subcommand)]
    Token(TokenCommand),
    /// Bring in a wiki from elsewhere; the source is never changed
    #[command(subcommand)]
    Import(ImportCommand),
    /// Rebuild search index and published pages from git
    #[command(after_help = "Examples:\n  holt reindex              every wiki\n  holt reindex --wiki docs  one wiki")]
    Reindex(CareArgs),
    /// Bring a sentence model for search by meaning, and see whether it works
    #[command(subcommand)]
    Model(ModelCommand),
    /// Publish wikis to an object store, for edges: compares, and puts what differs
    #[command(
        after_help = "Credentials and endpoint are the environment's: AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL and so on. A server may be running; what is published already is not put again. With --verify exit code 1 if anything differs.\n\nExamples:\n  holt publish --to s3://pages/wikis\n  holt publish --to file:///srv/pages --wiki docs --json\n  holt publish --to s3://pages/wikis --verify    before readers are sent there"
    )]
    Publish(PublishArgs),
    /// Work for wikis in a process of its own, beside the server or without one
    #[command(
        after_help = "Give it the flags and the environment of the server, above all --data, --domain, mail and object store. What another process was doing is handed over; when this one ends, it takes it back.\n\nExamples:\n  holt worker digests --memory 256M\n  holt worker --all          with a server that has --workers none"
    )]
    Worker(Box<WorkerArgs>),
    /// Say how workers stand; let them rest, go on, begin anew
    #[command(subcommand)]
    Workers(WorkersCommand),
    /// Verify repositories, databases and published pages
    #[command(after_help = "Exit code 1 if anything is wrong.\n\nExample:\n  holt check --wiki docs --json")]
    Check(CareArgs),
    /// Ask a server that was just started what people and programs will ask it
    #[command(
        after_help = "Example:\n  holt smoke https://wiki.example.org --canary canary --token-file /etc/holt/canary-token\n\nThe exit code is the number of failures, at most 125."
    )]
    Smoke(SmokeArgs),
    /// Speak the Model Context Protocol on standard input and output, for agents on this machine
    #[command(
        after_help = "The data directory is taken for as long as it runs: no server may be using it.\n\nExamples:\n  holt mcp --wiki docs                          as whoever runs the machine\n  holt mcp --wiki docs --as ann@example.org     with Ann's rights, in her name\n  claude mcp add docs -- holt mcp --data /srv/holt --wiki docs --read-only"
    )]
    Mcp(McpArgs),
    /// Make a picture smaller: standard input to standard output. The server runs this for itself
    #[command(hide = true)]
    Thumbnail(ThumbnailArgs),
    /// Print shell completions
    #[command(after_help = "Example:\n  holt completions bash > /etc/bash_completion.d/holt")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// `holt thumbnail`.
#[derive(Debug, Args)]
pub struct ThumbnailArgs {
    /// Longest side, in pixels
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1280))]
    pub size: u32,
}

/// `holt serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where the data is.
    #[command(flatten)]
    pub data: DataArgs,
    /// Address to listen on; port 0 takes a free one and prints it
    #[arg(long, env = "HOLT_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Serve each wiki at SLUG.DOMAIN, and the platform, where people make and look after wikis, at DOMAIN itself
    #[arg(long, env = "HOLT_DOMAIN", value_name = "DOMAIN")]
    pub domain: Option<BaseDomain>,
    /// The port that the world uses, for links in mail, where it is neither the usual one nor the one listened on
    #[arg(long, env = "HOLT_PUBLIC_PORT", value_name = "PORT")]
    pub public_port: Option<u16>,
    /// The wiki that loopback names and addresses show (default: the only one, or the first made); if given, DOMAIN shows it, too
    #[arg(long, env = "HOLT_DEFAULT_WIKI", value_name = "SLUG")]
    pub default_wiki: Option<String>,
    /// Who may make an account and wikis at DOMAIN
    #[arg(long, env = "HOLT_SIGN_UP", value_enum, default_value_t = SignUp::Closed)]
    pub sign_up: SignUp,
    /// Proxies in front of this server: only what they say of a client's address and of TLS counts
    #[arg(long, env = "HOLT_TRUST_PROXY", value_name = "CIDR", value_delimiter = ',')]
    pub trust_proxy: Vec<Network>,
    /// The header in which these proxies say who somebody is whom they logged in, by mail address; they have to remove it from what clients send
    #[arg(long, env = "HOLT_AUTH_HEADER", value_name = "NAME", requires = "trust_proxy", value_parser = header_of_ones_own)]
    pub auth_header: Option<HeaderName>,
    /// The header in which they say what to call them
    #[arg(long, env = "HOLT_AUTH_NAME_HEADER", value_name = "NAME", requires = "auth_header", value_parser = header_of_ones_own)]
    pub auth_name_header: Option<HeaderName>,
    /// Publish to this object store, too, for edges: s3://BUCKET/PATH, gs://…, az://… or file:///FOLDER; credentials are the environment's
    #[arg(long, env = "HOLT_PUBLISH_TO", value_name = "URL")]
    pub publish_to: Option<String>,
    /// The compressed forms in which pages are kept, in the data directory and the object store: `gzip`, or `gzip,zstd` for frames of zstd beside it; another choice publishes everything again
    #[arg(long, env = "HOLT_PUBLISH_ENCODINGS", default_value = "gzip", value_name = "NAMES", value_parser = encodings)]
    pub publish_encodings: Forms,
    /// The workers that this process hosts: `all`, `none`, or some of them with commas between. What has a process of its own (`holt worker NAME`) has it there
    #[arg(long, env = "HOLT_WORKERS", default_value = "all", value_name = "NAMES", value_parser = Choice::parse)]
    pub workers: Choice,
    /// Begin no background work while this process takes more memory, and have what is under way end: bytes, or a number with K, M or G
    #[arg(long, env = "HOLT_BACKGROUND_MEMORY", value_name = "BYTES", value_parser = workers::bytes)]
    pub background_memory: Option<u64>,
    /// For tests: a worker commits a fault
    #[cfg(debug_assertions)]
    #[arg(long, hide = true)]
    pub worker_fault: Vec<crate::workers::faults::Fault>,
    /// What is between this server and its readers.
    #[command(flatten)]
    pub readers: ReadersArgs,
    /// The sentence model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// How many wikis stay open when nobody uses them
    #[arg(long, env = "HOLT_KEEP_OPEN", default_value_t = 64, value_name = "N")]
    pub keep_open: usize,
    /// Request log format
    #[arg(long, env = "HOLT_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// What to log
    #[arg(long, env = "HOLT_LOG", value_enum, default_value_t = LogLevel::Info)]
    pub log: LogLevel,
    /// Say on standard error what the start does and when, up to the first page
    #[arg(long, env = "HOLT_EXPLAIN_STARTUP")]
    pub explain_startup: bool,
    /// Where AWS Lambda says what to answer: set by it, and then nothing is listened on
    #[arg(long, env = "AWS_LAMBDA_RUNTIME_API", hide = true, value_name = "HOST:PORT")]
    pub runtime_api: Option<String>,
    /// Set the Secure flag on cookies (behind TLS)
    #[arg(long, env = "HOLT_SECURE_COOKIES")]
    pub secure_cookies: bool,
    /// Rate limits for log-in attempts and the API: on, or off for tests and trusted networks
    #[arg(long, env = "HOLT_RATE_LIMIT", value_enum, default_value_t = Switch::On)]
    pub rate_limit: Switch,
    /// What each token, person or address may read through the API in a minute; a search counts as ten. 0: as much as it likes
    #[arg(long, env = "HOLT_API_READS", default_value_t = 600, value_name = "N")]
    pub api_reads: u32,
    /// What each may change through the API in a minute; of several pages in one commit each counts. 0: as much as it likes
    #[arg(long, env = "HOLT_API_WRITES", default_value_t = 120, value_name = "N")]
    pub api_writes: u32,
    /// Longest time of one request of a git client, in seconds; a quarter of it may pass without anything happening
    #[arg(long, env = "HOLT_GIT_SECONDS", default_value_t = 120, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub git_seconds: u32,
    /// Mail server for wikis without their own: smtps://USER:PASSWORD@HOST, smtp://HOST:587?tls=required, smtp://HOST
    #[arg(long, env = "HOLT_SMTP_URL", value_name = "URL", hide_env_values = true, requires = "mail_from")]
    pub smtp_url: Option<String>,
    /// Ask this server who an agent is though its address is private or plain http; only while listening on this machine alone
    #[arg(long, env = "HOLT_TRUST_CLIENT_HOST", value_name = "HOST:PORT", value_delimiter = ',')]
    pub trust_client_host: Vec<String>,
    /// Let webhooks and mirrors reach this server though its address is private or plain http; only while listening on this machine alone
    #[arg(long, env = "HOLT_TRUST_HOOK_HOST", value_name = "HOST:PORT", value_delimiter = ',')]
    pub trust_hook_host: Vec<String>,
    /// Certificates (PEM) of those who vouch for these servers, where no public authority does
    #[arg(long, env = "HOLT_HOOK_CA_FILE", value_name = "FILE", requires = "trust_hook_host")]
    pub hook_ca_file: Option<PathBuf>,
    /// Who else vouches for people.
    #[command(flatten)]
    pub elsewhere: ElsewhereArgs,
    /// Who mail sent by that server is from
    #[arg(long, env = "HOLT_MAIL_FROM", value_name = "ADDRESS", requires = "smtp_url")]
    pub mail_from: Option<String>,
}

/// See [`ServeArgs::sign_up`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum SignUp {
    /// Everybody.
    Open,
    /// Those whom operators and wikis give accounts; they may make wikis.
    #[default]
    Closed,
}

/// On or off, as environment variables say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// See [`ServeArgs::log_format`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// See [`ServeArgs::log`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Only what failed.
    Error,
    /// And what looks wrong.
    Warn,
    /// And one line per change.
    Info,
    /// And one line per request.
    Debug,
}

/// `holt wiki`.
#[derive(Debug, Subcommand)]
pub enum WikiCommand {
    /// Make an empty wiki
    #[command(after_help = "Example:\n  holt wiki create handbook --name 'Team Handbook' --access private")]
    Create {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Its slug: 3 to 40 lower-case letters, digits, hyphens
        slug: String,
        /// Its name on screen
        #[arg(long)]
        name: Option<String>,
        /// Who may read it
        #[arg(long, value_enum, default_value_t = AccessArg::Public)]
        access: AccessArg,
        /// How to print.
        #[command(flatten)]
        output: OutputArgs,
    },
    /// List all wikis
    #[command(after_help = "Example:\n  holt wiki list --dormant 180d    those that nobody asked for anything in half a year")]
    List {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Only those that nobody used for so long: days, as 180d
        #[arg(long, value_name = "DAYS", value_parser = days)]
        dormant: Option<i64>,
        /// How to print.
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show one wiki: pages, revisions, access
    Show(WikiArgs),
    /// Change the slug
    Rename {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// The wiki
        slug: String,
        /// Its new slug
        to: String,
    },
    /// Say how many pages and bytes a wiki may have
    #[command(
        after_help = "Editing and deleting pages goes on above the limit of pages; only new ones are refused. At the limit of bytes all that adds something is refused.\n\nExamples:\n  holt wiki limit docs --pages 500\n  holt wiki limit docs --bytes 52428800\n  holt wiki limit docs --pages 0    as many as it likes"
    )]
    Limit {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// The wiki
        slug: String,
        /// Most pages; 0: as many as it likes
        #[arg(long, value_name = "N", required_unless_present = "bytes")]
        pages: Option<u32>,
        /// Most bytes of the repository, history included; 0: as many as it likes
        #[arg(long, value_name = "N")]
        bytes: Option<u64>,
    },
    /// Let git clients clone the wiki and push to it, or not
    #[command(
        after_help = "They need a token (`holt token create`); public wikis are cloned without one.\n\nExamples:\n  holt wiki git docs on\n  holt wiki git docs off"
    )]
    Git {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// The wiki
        slug: String,
        /// Whether they find it
        #[arg(value_enum)]
        state: Switch,
    },
    /// Put a wiki on a plan, or on none
    #[command(after_help = "Examples:\n  holt wiki plan docs team\n  holt wiki plan docs none    no limits but its own")]
    Plan {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// The wiki
        slug: String,
        /// The plan, or none
        plan: String,
    },
    /// Take a wiki off the air: no door answers for it
    Suspend(OneWikiArgs),
    /// Let a suspended wiki answer again
    Resume(OneWikiArgs),
    /// Bring back a wiki that its owner deleted, within seven days
    Restore(OneWikiArgs),
    /// Delete a wiki for good
    Delete {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// The wiki
        slug: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Print where the git repository is
    Path(WikiArgs),
}

/// A command that does something to one wiki.
#[derive(Debug, Args)]
pub struct OneWikiArgs {
    /// Where the data is.
    #[command(flatten)]
    pub data: DataArgs,
    /// The wiki
    pub slug: String,
}

/// `180d`: so many days, in seconds.
fn days(text: &str) -> Result<i64, String> {
    let days = text.strip_suffix('d').unwrap_or(text).parse::<u32>();
    days.map(|days| i64::from(days) * 24 * 3600).map_err(|_| format!("write it as a number of days, like 180d, not {text:?}"))
}

/// `holt domain`.
#[derive(Debug, Subcommand)]
pub enum DomainCommand {
    /// List domains and claims: whose, and whether they are verified
    List {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Only this wiki's
        #[arg(long, value_name = "SLUG")]
        wiki: Option<String>,
        /// How to print.
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Claim a domain for a wiki, and print what the DNS has to say
    #[command(after_help = "Example:\n  holt domain add docs wiki.example.org")]
    Add {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// The wiki
        slug: String,
        /// The domain
        name: String,
    },
    /// Look for the TXT record of a claim; if it is there, the wiki answers at the domain
    #[command(after_help = "Example:\n  holt domain verify docs wiki.example.org")]
    Verify {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// The wiki
        slug: String,
        /// The domain
        name: String,
        /// Ask this DNS server (default: those of /etc/resolv.conf)
        #[arg(long, env = "HOLT_RESOLVER", value_name = "ADDR:PORT")]
        resolver: Option<SocketAddr>,
    },
    /// Make a verified domain the wiki's address, to which its other names lead; without one, its slug
    #[command(after_help = "Examples:\n  holt domain main docs wiki.example.org\n  holt domain main docs")]
    Main {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// The wiki
        slug: String,
        /// The domain
        name: Option<String>,
    },
    /// Give a domain or a claim up
    Remove {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// The wiki
        slug: String,
        /// The domain
        name: String,
    },
    /// Look whether verified domains still have their records, as the server does once a day
    Check {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Ask this DNS server (default: those of /etc/resolv.conf)
        #[arg(long, env = "HOLT_RESOLVER", value_name = "ADDR:PORT")]
        resolver: Option<SocketAddr>,
    },
}

/// `holt plan`.
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// List all plans
    List {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// How to print.
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Make a plan, or change what its wikis may have
    #[command(
        after_help = "What is not named stays as it is; a new plan begins without limits.\n\nExamples:\n  holt plan set free --wikis 3\n  holt plan set team --wikis 10 --bytes 1073741824 --writes 120"
    )]
    Set(PlanArgs),
    /// Say which plan new wikis have that people make for themselves
    Default {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// The plan
        name: String,
    },
}

/// `holt plan set`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Where the data is.
    #[command(flatten)]
    pub data: DataArgs,
    /// The plan: lower-case letters, digits, hyphens
    pub name: String,
    /// Most wikis of one person; 0: as many as they like
    #[arg(long, value_name = "N")]
    pub wikis: Option<u32>,
    /// Most pages of a wiki; 0: as many as it likes
    #[arg(long, value_name = "N")]
    pub pages: Option<u32>,
    /// Most bytes of a wiki's repository, history included; 0: as many as it likes
    #[arg(long, value_name = "N")]
    pub bytes: Option<u64>,
    /// Most changes that one client may make in one wiki in a minute; 0: as many as it likes
    #[arg(long, value_name = "N")]
    pub writes: Option<u32>,
    /// Most members of a wiki; 0: as many as it likes
    #[arg(long, value_name = "N")]
    pub members: Option<u32>,
    /// Most domains of a wiki's own; 0: up to 20
    #[arg(long, value_name = "N")]
    pub domains: Option<u32>,
    /// Per cent of a limit from which on people are told
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub warn: Option<u8>,
}

/// A command about one wiki.
#[derive(Debug, Args)]
pub struct WikiArgs {
    /// Where the data is.
    #[command(flatten)]
    pub data: DataArgs,
    /// The wiki
    pub slug: String,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// See [`WikiCommand::Create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AccessArg {
    /// Everybody may read, members may write.
    Public,
    /// Members only.
    Private,
}

/// `holt user`.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account, or set the password of an existing one
    #[command(after_help = "Example:\n  echo 'correct horse battery' | holt user add ann@example.org --name Ann --admin --password-stdin")]
    Add {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Mail address: what one logs in with
        email: String,
        /// Name on screen and in history (default: the part before the @)
        #[arg(long)]
        name: Option<String>,
        /// Administer every wiki of this installation
        #[arg(long)]
        admin: bool,
        /// Read the password from standard input
        #[arg(long, required = true)]
        password_stdin: bool,
        /// How to print.
        #[command(flatten)]
        output: OutputArgs,
    },
    /// List all accounts
    List {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// How to print.
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Show one account: wikis, sessions, last use
    Show {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Mail address
        email: String,
        /// How to print.
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Let somebody rule the installation, or end that
    #[command(after_help = "Examples:\n  holt user operator ann@example.org on\n  holt user operator ann@example.org off")]
    Operator {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// Mail address
        email: String,
        /// on or off
        #[arg(value_enum)]
        rank: Switch,
    },
}

/// `holt token`.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it; it is shown only once
    #[command(
        after_help = "Examples:\n  holt token create --wiki docs --scope read --name 'search bot'\n  holt token create --wiki docs --scope write --path Projects/Alpha --days 90 --name alpha"
    )]
    Create(NewTokenArgs),
    /// List the tokens of a wiki: scope, page, expiry, last use
    List {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// The wiki they are for
        #[arg(long, value_name = "SLUG")]
        wiki: String,
        /// How to print.
        #[command(flatten)]
        output: OutputArgs,
    },
    /// End a token
    #[command(after_help = "Example:\n  holt token revoke --wiki docs 7")]
    Revoke {
        /// Where the data is.
        #[command(flatten)]
        data: DataArgs,
        /// The wiki it is for
        #[arg(long, value_name = "SLUG")]
        wiki: String,
        /// Its number in the list
        id: i64,
    },
}

/// `holt token create`.
#[derive(Debug, Args)]
pub struct NewTokenArgs {
    /// Where the data is.
    #[command(flatten)]
    pub data: DataArgs,
    /// The wiki it is for
    #[arg(long, value_name = "SLUG")]
    pub wiki: String,
    /// What it may do
    #[arg(long, value_enum)]
    pub scope: ScopeArg,
    /// The page it is for, with what is below it (default: the whole wiki)
    #[arg(long, value_name = "PAGE")]
    pub path: Option<String>,
    /// How long it is good (default: until it is revoked)
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    pub days: Option<u16>,
    /// What you call it
    #[arg(long, value_name = "LABEL", default_value = "")]
    pub name: String,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// See [`NewTokenArgs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScopeArg {
    /// Read pages.
    Read,
    /// Suggest changes.
    Propose,
    /// Change pages.
    Write,
    /// Change settings.
    Admin,
}

/// `holt import`.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// From an Otterwiki data directory: history, accounts, preferences, drafts, attachments
    #[command(after_help = "Example:\n  holt import otterwiki /var/lib/otterwiki/app-data --slug handbook")]
    Otterwiki(ImportArgs),
    /// From a git repository: a directory or an https or http address
    #[command(after_help = "Example:\n  holt import git ~/notes --slug notes")]
    Git(ImportArgs),
    /// From a folder of Markdown files, as one commit
    #[command(after_help = "Example:\n  holt import folder ./docs --slug docs --name 'Documentation'")]
    Folder(ImportArgs),
    /// From a robot.wtf data directory: every wiki with its history, settings, members and token
    #[command(
        after_help = "What is here already is left as it is: run it again after an interruption. Exit code 1 if a wiki could not come in.\n\nExamples:\n  holt import robot-wtf /srv/data --dry-run        reads everything, changes nothing\n  holt import robot-wtf /srv/data --only alice     one wiki"
    )]
    RobotWtf(RobotWtfArgs),
}

/// `holt import robot-wtf`.
#[derive(Debug, Args)]
pub struct RobotWtfArgs {
    /// Where the data is.
    #[command(flatten)]
    pub data: DataArgs,
    /// The data directory of robot.wtf, with robot.db and wikis/
    #[arg(value_name = "DATA_DIR")]
    pub source: PathBuf,
    /// Only these wikis
    #[arg(long, value_name = "SLUG", num_args = 1..)]
    pub only: Vec<String>,
    /// The domain it was served at, which addresses of logos may name
    #[arg(long, value_name = "DOMAIN", default_value = "robot.wtf")]
    pub from_domain: BaseDomain,
    /// Read and check everything, and bring in nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// See [`ImportCommand`].
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Where the data is.
    #[command(flatten)]
    pub data: DataArgs,
    /// What to bring in
    pub source: String,
    /// Slug of the new wiki (default: made from the source's name)
    #[arg(long)]
    pub slug: Option<String>,
    /// Name on screen (default: the source's)
    #[arg(long)]
    pub name: Option<String>,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `holt reindex`, `holt check`.
#[derive(Debug, Args)]
pub struct CareArgs {
    /// Where the data is.
    #[command(flatten)]
    pub data: DataArgs,
    /// Only this wiki
    #[arg(long, value_name = "SLUG")]
    pub wiki: Option<String>,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What the environment says by this name; nothing if that is empty.
pub fn named(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where this program is, for what it runs as a child.
pub fn own_program() -> std::io::Result<PathBuf> {
    std::env::current_exe()
}
