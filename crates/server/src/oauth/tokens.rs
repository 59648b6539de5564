//! `POST /oauth/token` and `POST /oauth/revoke`: codes and refresh tokens become tokens, and tokens end (security.md OAU-5..7).

use super::{Problem, clients, is_resource, parameters, told, widest, words};
use crate::rates::Kind;
use crate::reply::Reply;
use crate::request::Form;
use crate::web::{Context, audit};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use holt_core::{Result, UserId};
use holt_engine::directory::{Issued, Redemption, Refusal};
use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

type Told = std::result::Result<(StatusCode, Value), Problem>;

/// Exchanges.
pub fn exchange(context: &Context<'_>) -> Result<Reply> {
    Ok(told(try_exchange(context)))
}

/// Revokes.
pub fn revoke(context: &Context<'_>) -> Result<Reply> {
    Ok(told(try_revoke(context)))
}

fn required<'f>(form: &'f Form, name: &str) -> std::result::Result<&'f str, Problem> {
    form.find(name).filter(|value| !value.is_empty()).ok_or_else(|| Problem::new("invalid_request", format!("{name} is missing")))
}

fn try_exchange(context: &Context<'_>) -> Told {
    context.charge(Kind::Write, 2)?;
    let form = parameters(context)?;
    let kind = required(&form, "grant_type")?.to_string();
    let client = clients::authenticate(context, &form)?;
    if let Some(resource) = form.find("resource")
        && !is_resource(context, resource)?
    {
        return Err(Problem::new("invalid_target", "tokens of this wiki are for its own address of the Model Context Protocol"));
    }
    let (directory, wiki, now) = (context.app.engine.directory(), context.wiki.id(), context.now());
    let issued = match kind.as_str() {
        "authorization_code" => {
            let (code, verifier) = (required(&form, "code")?, required(&form, "code_verifier")?);
            let by = Redemption { wiki, client: &client, redirect: form.find("redirect_uri"), challenge: &challenge(verifier)? };
            directory.redeem_oauth_code(code, &by, now)?
        }
        "refresh_token" => {
            let asked = match form.find("scope").map(str::trim).filter(|scope| !scope.is_empty()) {
                None => None,
                Some(text) => Some(widest(text).ok_or_else(|| Problem::new("invalid_scope", "none of the scopes is one of this wiki"))?),
            };
            directory.refresh_oauth(wiki, &client, required(&form, "refresh_token")?, asked, now)?
        }
        _ => return Err(Problem::new("unsupported_grant_type", "grant_type is authorization_code or refresh_token")),
    };
    match issued {
        Ok(issued) => Ok((StatusCode::OK, tokens(&issued))),
        Err(Refusal::TooWide) => Err(Problem::new("invalid_scope", "more is asked for than was allowed: ask the user again")),
        Err(Refusal::Unknown) => {
            Err(Problem::new("invalid_grant", "the code or token is unknown, expired, used, or was not made for this: ask the user again"))
        }
        Err(Refusal::Reused(grant)) => {
            note(context, grant.user, "oauth.reused", &grant.client_name)?;
            Err(Problem::new("invalid_grant", "the code or token was used before; all that came of it has ended: ask the user again"))
        }
    }
}

fn tokens(issued: &Issued) -> Value {
    let mut body = json!({
        "access_token": issued.access.expose(), "token_type": "Bearer", "expires_in": issued.seconds, "scope": words(issued.scope),
    });
    if let Some(refresh) = &issued.refresh {
        body["refresh_token"] = refresh.expose().into();
    }
    body
}

/// What PKCE makes of a verifier (RFC 7636 §4.2).
fn challenge(verifier: &str) -> std::result::Result<String, Problem> {
    let fine = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'));
    if !fine {
        return Err(Problem::new("invalid_grant", "code_verifier is not one of 43 to 128 letters, digits, -, ., _ and ~"));
    }
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())))
}

fn try_revoke(context: &Context<'_>) -> Told {
    context.charge(Kind::Write, 2)?;
    let form = parameters(context)?;
    let token = required(&form, "token")?.to_string();
    let client = clients::authenticate(context, &form)?;
    // What is not there has ended already (RFC 7009 §2.2); what is another client's is not there for this one.
    if let Some(grant) = context.app.engine.directory().revoke_oauth_token(context.wiki.id(), &client, &token)? {
        note(context, grant.user, "oauth.revoke", &grant.client_name)?;
    }
    Ok((StatusCode::OK, json!({})))
}

fn note(context: &Context<'_>, user: UserId, action: &str, client: &str) -> Result<()> {
    let who = context.app.engine.directory().user(user)?.map_or_else(String::new, |user| user.email);
    audit::note(context, &who, action, client, "ok");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_those_of_the_specification() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier).unwrap(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        for bad in ["", "short", &"x".repeat(129), &"ü".repeat(43)] {
            assert!(challenge(bad).is_err());
        }
    }
}
