//! Who else vouches for people, as the command line says.

use super::{SignUp, Switch};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Logging in with accounts of others (docs/hosting.md).
#[derive(Debug, Args)]
pub struct ElsewhereArgs {
    /// Let people log in at DOMAIN with an account of the AT Protocol, Bluesky's for instance
    #[arg(long, env = "HOLT_ATPROTO", value_enum, default_value_t = Switch::Off)]
    pub atproto: Switch,
    /// Who knows people of the AT Protocol by their DIDs (did:plc)
    #[arg(long, env = "HOLT_ATPROTO_DIRECTORY", default_value = "https://plc.directory", value_name = "URL")]
    pub atproto_directory: String,
    /// Who knows what they call themselves
    #[arg(long, env = "HOLT_ATPROTO_PROFILES", default_value = "https://public.api.bsky.app", value_name = "URL")]
    pub atproto_profiles: String,
    /// Which DNS server to ask for what shows that somebody rules a name (default: the machine's)
    #[arg(long, env = "HOLT_RESOLVER", value_name = "ADDR")]
    pub resolver: Option<SocketAddr>,
    /// For tests: ask this address, without TLS, for all hosts whose names end in .test; only while listening on this machine alone
    #[arg(long, env = "HOLT_TEST_NETWORK", value_name = "ADDR")]
    pub test_network: Option<SocketAddr>,
    /// Who else people may log in with: an issuer of OpenID Connect, as its discovery document spells it
    #[arg(long, env = "HOLT_OIDC_ISSUER", value_name = "URL", requires = "oidc_client_id")]
    pub oidc_issuer: Option<String>,
    /// What that issuer calls this server
    #[arg(long, env = "HOLT_OIDC_CLIENT_ID", value_name = "ID", requires = "oidc_issuer")]
    pub oidc_client_id: Option<String>,
    /// A file with the secret that the issuer gave (default: none, PKCE alone)
    #[arg(long, env = "HOLT_OIDC_CLIENT_SECRET_FILE", value_name = "FILE", requires = "oidc_issuer")]
    pub oidc_client_secret_file: Option<PathBuf>,
    /// What people call it: the button is called "Log in with NAME" (default: the issuer's host)
    #[arg(long, env = "HOLT_OIDC_NAME", value_name = "NAME", requires = "oidc_issuer")]
    pub oidc_name: Option<String>,
    /// Who may come by it without an account (default: who may make one here without it)
    #[arg(long, env = "HOLT_OIDC_SIGN_UP", value_enum, requires = "oidc_issuer")]
    pub oidc_sign_up: Option<SignUp>,
    /// Take whoever comes by it for the account that has the same address, if both the issuer and this server verified it
    #[arg(long, env = "HOLT_OIDC_LINK_BY_EMAIL", requires = "oidc_issuer")]
    pub oidc_link_by_email: bool,
    /// Its servers that are in your own network: these may have private addresses and any port, and on this machine plain http
    #[arg(long, env = "HOLT_OIDC_OWN_HOST", value_name = "HOST:PORT", value_delimiter = ',', requires = "oidc_issuer")]
    pub oidc_own_host: Vec<String>,
    /// Certificates of authorities of your own that vouch for these servers, too (PEM)
    #[arg(long, env = "HOLT_OIDC_CA_FILE", value_name = "FILE", requires = "oidc_own_host")]
    pub oidc_ca_file: Option<PathBuf>,
}
