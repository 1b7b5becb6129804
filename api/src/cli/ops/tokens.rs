use super::Session;
use super::client::{Again, encoded};
use super::output::{Column, text, time};
use crate::auth::Scope;
use clap::{Args, Subcommand};
use serde_json::json;

const TOKENS: &[Column] = &[
    ("ID", |token| text(token, "/id")),
    ("NAME", |token| text(token, "/name")),
    ("PREFIX", |token| text(token, "/prefix")),
    ("SCOPE", |token| text(token, "/scope")),
    ("SOURCE", |token| text(token, "/source")),
    ("LAST USED", |token| time(token, "/lastUsedAt")),
    ("EXPIRES", |token| time(token, "/expiresAt")),
    ("REVOKED", |token| time(token, "/revokedAt")),
];

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Those of the tenant, without their secrets
    List,
    /// Make one; its secret is on stdout, this once
    Create(Create),
    /// Make a successor of the same name, scope and source; both are valid until the overlap is over
    Rotate {
        /// The token's id, see `token list`
        id: String,
        /// How long the old one stays valid, in seconds; a day if not said
        #[arg(long, value_name = "SECONDS")]
        overlap: Option<u32>,
        /// Days until the new one expires; if not said, as long as the old one was made for
        #[arg(long)]
        expires_in_days: Option<u32>,
    },
    /// End one now, everywhere within 5 seconds
    Revoke {
        /// The token's id, see `token list`
        id: String,
    },
}

#[derive(Args)]
pub(super) struct Create {
    /// What to call it, e.g. "Entra production"
    #[arg(long)]
    name: String,
    /// What it may be used for
    #[arg(long, value_enum)]
    scope: Scope,
    /// The system that writes with it: externalIds are unique per source
    #[arg(long, default_value = "default")]
    source: String,
    /// Read its requests as the RFCs say, without tolerance for clients' habits
    #[arg(long)]
    strict: bool,
    /// Days until it expires; without it, it is valid until revoked
    #[arg(long)]
    expires_in_days: Option<u32>,
}

impl TokenCommand {
    /// # Errors
    /// When the server refuses or does not answer.
    pub(super) fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            TokenCommand::List => session.list(("/tokens", "tokens"), Some(0), TOKENS, "There is no token."),
            TokenCommand::Create(create) => {
                let body = json!({
                    "name": create.name,
                    "scope": create.scope.name(),
                    "source": create.source,
                    "strict": create.strict,
                    "expiresInDays": create.expires_in_days,
                });
                made(session, "/tokens", &body)
            }
            TokenCommand::Rotate {
                id,
                overlap,
                expires_in_days,
            } => {
                let body = json!({ "overlapSeconds": overlap, "expiresInDays": expires_in_days });
                made(session, &format!("/tokens/{}/rotate", encoded(&id)), &body)
            }
            TokenCommand::Revoke { id } => {
                session.client.delete(&format!("/tokens/{}", encoded(&id)))?;
                eprintln!("revoked; every process honours it within 5 seconds");
                Ok(())
            }
        }
    }
}

/// A secret nobody got must not be valid, so nothing is sent twice.
fn made(session: &Session, path: &str, body: &serde_json::Value) -> anyhow::Result<()> {
    let answer = session.client.post(path, body, Again::Never)?;
    if session.output.document(&answer)? {
        return Ok(());
    }
    session.output.line(&text(&answer.body, "/secret"))?;
    eprintln!(
        "token {} created; the secret is not shown again",
        text(&answer.body, "/id")
    );
    Ok(())
}
