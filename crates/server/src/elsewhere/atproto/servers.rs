//! What the servers of the AT Protocol say of people and of themselves, read and checked (spec/platform.md §3.2, steps 2 and 3). Nothing is
//! asked from here.

use super::names::{self, Did};
use serde_json::Value;

/// The service of a DID document where somebody's account is.
const PDS: &str = "#atproto_pds";
/// All that we ask for: who somebody is.
pub const SCOPE: &str = "atproto";

/// What a DID document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DidDocument {
    /// What somebody says they are called. To be believed when that handle says the same.
    pub handle: Option<String>,
    /// Where their account is: scheme and host.
    pub pds: String,
}

impl DidDocument {
    /// Reads the document of `did`; why not, in one clause.
    pub fn read(did: &Did, document: &Value) -> Result<Self, &'static str> {
        if document["id"] != did.as_str() {
            return Err("its document is about somebody else");
        }
        let handle = strings(&document["alsoKnownAs"]).find_map(names::handle_of);
        let whole = format!("{did}{PDS}");
        let is_pds = |service: &&Value| service["id"] == PDS || service["id"] == whole.as_str();
        let service = document["service"].as_array().into_iter().flatten().find(is_pds).ok_or("its document names no server")?;
        if service["type"] != "AtprotoPersonalDataServer" {
            return Err("its document names no server");
        }
        let pds =
            service["serviceEndpoint"].as_str().and_then(names::bare_origin).ok_or("its document names a server that is not asked")?;
        Ok(Self { handle, pds })
    }
}

/// The one authorization server that the protected resource `pds` names (RFC 9728): scheme and host.
pub fn issuer_of(pds: &str, document: &Value) -> Result<String, &'static str> {
    let resource = &document["resource"];
    if !resource.is_null() && resource.as_str().and_then(names::bare_origin).as_deref() != Some(pds) {
        return Err("its server speaks of another one");
    }
    match strings(&document["authorization_servers"]).collect::<Vec<_>>().as_slice() {
        [one] => names::bare_origin(one).ok_or("its server names a place to log in that is not asked"),
        _ => Err("its server names no place to log in"),
    }
}

/// Where people log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationServer {
    /// As it calls itself, and as it is asked for: scheme and host.
    pub issuer: String,
    /// Where browsers go.
    pub authorization: String,
    /// Where requests are left first (RFC 9126).
    pub pushed: String,
    /// Where codes become tokens.
    pub token: String,
    /// Where tokens end (RFC 7009).
    pub revocation: Option<String>,
}

impl AuthorizationServer {
    /// Reads what the server at `origin` says of itself (RFC 8414); what it lacks, in one clause.
    pub fn read(origin: &str, document: &Value) -> Result<Self, &'static str> {
        if document["issuer"] != origin {
            return Err("it calls itself something else");
        }
        for (member, value, lacks) in [
            ("response_types_supported", "code", "it gives no codes"),
            ("grant_types_supported", "authorization_code", "it takes no codes"),
            ("grant_types_supported", "refresh_token", "it refreshes no tokens"),
            ("code_challenge_methods_supported", "S256", "it does not know PKCE"),
            ("token_endpoint_auth_methods_supported", "none", "it lets in no public programs"),
            ("token_endpoint_auth_methods_supported", "private_key_jwt", "it does not let programs prove who they are"),
            ("token_endpoint_auth_signing_alg_values_supported", "ES256", "it does not know ES256"),
            ("dpop_signing_alg_values_supported", "ES256", "it does not bind tokens by ES256"),
            ("scopes_supported", SCOPE, "it does not know the scope atproto"),
        ] {
            if !strings(&document[member]).any(|known| known == value) {
                return Err(lacks);
            }
        }
        for (member, lacks) in [
            ("authorization_response_iss_parameter_supported", "its answers do not say whose they are"),
            ("require_pushed_authorization_requests", "it does not insist on pushed requests"),
            ("client_id_metadata_document_supported", "it does not read what programs say of themselves"),
        ] {
            if document[member] != true {
                return Err(lacks);
            }
        }
        let place = |member: &str| document[member].as_str().filter(|text| names::address(text).is_some()).map(str::to_string);
        let needed = |member: &str| place(member).ok_or("it has an address that is not asked, or lacks one");
        Ok(Self {
            issuer: origin.to_string(),
            authorization: needed("authorization_endpoint")?,
            pushed: needed("pushed_authorization_request_endpoint")?,
            token: needed("token_endpoint")?,
            revocation: place("revocation_endpoint"),
        })
    }
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_is_about_the_did_it_was_asked_for() {
        let did = Did::parse("did:plc:alice").unwrap();
        let good = json!({
            "id": "did:plc:alice", "alsoKnownAs": ["https://alice.example", "at://Alice.example.com", "at://other.example.com"],
            "service": [
                {"id": "#other", "type": "X", "serviceEndpoint": "https://x.example.com"},
                {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.example.com"},
            ],
        });
        let read = |document: &Value| DidDocument::read(&did, document);
        let expected = DidDocument { handle: Some("alice.example.com".into()), pds: "https://pds.example.com".into() };
        assert_eq!(read(&good), Ok(expected.clone()));
        let mut whole = good.clone();
        whole["service"][1]["id"] = "did:plc:alice#atproto_pds".into();
        assert_eq!(read(&whole), Ok(expected.clone()));
        let mut nameless = good.clone();
        nameless["alsoKnownAs"] = json!(["at://localhost", 7]);
        assert_eq!(read(&nameless), Ok(DidDocument { handle: None, ..expected }));
        let mut other = good.clone();
        other["id"] = "did:plc:bob".into();
        assert!(read(&other).is_err());
        for (member, value) in [
            ("id", json!("did:plc:bob#atproto_pds")),
            ("type", json!("Other")),
            ("serviceEndpoint", json!("http://pds.example.com")),
            ("serviceEndpoint", json!("https://pds.example.com:8443")),
            ("serviceEndpoint", json!("https://10.0.0.1")),
            ("serviceEndpoint", json!("https://pds.example.com/path")),
            ("serviceEndpoint", json!({"uri": "https://pds.example.com"})),
        ] {
            let mut bad = good.clone();
            bad["service"][1][member] = value;
            assert!(read(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_resource_names_one_place_to_log_in() {
        let pds = "https://pds.example.com";
        let said = |document: Value| issuer_of(pds, &document);
        assert_eq!(said(json!({"authorization_servers": ["https://as.example.com"]})).as_deref(), Ok("https://as.example.com"));
        assert!(said(json!({"resource": pds, "authorization_servers": ["https://as.example.com"]})).is_ok());
        for bad in [
            json!({}),
            json!({"authorization_servers": []}),
            json!({"authorization_servers": ["https://as.example.com", "https://other.example.com"]}),
            json!({"authorization_servers": ["http://as.example.com"]}),
            json!({"authorization_servers": ["https://as.example.com/tenant"]}),
            json!({"authorization_servers": "https://as.example.com"}),
            json!({"resource": "https://other.example.com", "authorization_servers": ["https://as.example.com"]}),
        ] {
            assert!(said(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_server_that_lacks_something_is_not_used() {
        let origin = "https://as.example.com";
        let good = json!({
            "issuer": origin, "authorization_endpoint": "https://as.example.com/oauth/authorize", "token_endpoint": "https://as.example.com/oauth/token",
            "pushed_authorization_request_endpoint": "https://as.example.com/oauth/par", "revocation_endpoint": "https://as.example.com/oauth/revoke",
            "response_types_supported": ["code"], "grant_types_supported": ["authorization_code", "refresh_token"], "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"], "token_endpoint_auth_signing_alg_values_supported": ["ES256", "RS256"],
            "dpop_signing_alg_values_supported": ["ES256"], "scopes_supported": ["atproto", "transition:generic"],
            "authorization_response_iss_parameter_supported": true, "require_pushed_authorization_requests": true, "client_id_metadata_document_supported": true,
        });
        let server = AuthorizationServer::read(origin, &good).unwrap();
        assert_eq!((server.issuer.as_str(), server.revocation.as_deref()), (origin, Some("https://as.example.com/oauth/revoke")));
        for member in good.as_object().unwrap().keys() {
            let mut bad = good.clone();
            bad.as_object_mut().unwrap().remove(member);
            let read = AuthorizationServer::read(origin, &bad);
            assert_eq!(read.is_ok(), member == "revocation_endpoint", "without {member}: {read:?}");
        }
        for (member, value) in [
            ("issuer", json!("https://as.example.com/")),
            ("issuer", json!("https://evil.example.com")),
            ("issuer", json!("http://as.example.com")),
            ("issuer", json!("https://as.example.com:443")),
            ("token_endpoint", json!("http://as.example.com/token")),
            ("token_endpoint", json!("https://127.0.0.1/token")),
            ("pushed_authorization_request_endpoint", json!("https://as.example.com:8443/par")),
            ("authorization_endpoint", json!("javascript:alert(1)")),
            ("require_pushed_authorization_requests", json!("true")),
            ("scopes_supported", json!("atproto")),
        ] {
            let mut bad = good.clone();
            bad[member] = value;
            assert!(AuthorizationServer::read(origin, &bad).is_err(), "{member} {bad}");
        }
    }
}
