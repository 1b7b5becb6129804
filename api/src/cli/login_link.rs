use super::{connect, tenant_id};
use crate::dashboard;
use anyhow::bail;
use clap::Args;
use rollcall_shared::config::PostgresConfig;
use std::net::SocketAddr;
use uuid::Uuid;

#[derive(Args)]
pub(super) struct LoginLink {
    /// Name of the tenant
    #[arg(long)]
    tenant: String,
    /// Id of the operator token to log in as; without it, one is made that is valid for a day
    ///
    /// The session ends with the token: revoking the token logs out.
    #[arg(long)]
    token: Option<Uuid>,
    /// Scheme and host under which the dashboard is reached; without it, what `serve` listens on
    #[arg(long, env = "ROLLCALL_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// What `serve` listens on
    #[arg(
        long,
        env = "ROLLCALL_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    listen: SocketAddr,
    #[command(flatten)]
    postgres: PostgresConfig,
}

impl LoginLink {
    fn origin(&self) -> String {
        let configured = self.public_url.as_deref().filter(|url| !url.is_empty());
        match configured {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if self.listen.ip().is_unspecified() => format!("http://localhost:{}", self.listen.port()),
            None => format!("http://{}", self.listen),
        }
    }
}

pub(super) async fn run(link: LoginLink) -> anyhow::Result<()> {
    let mut connection = connect(&link.postgres).await?;
    let tenant = tenant_id(&mut connection, &link.tenant).await?;
    match dashboard::offer_link(&mut connection, tenant, link.token).await? {
        Some(path) => println!("{}{path}", link.origin()),
        None => bail!("the tenant has no valid operator token of this id; see `token list`"),
    }
    eprintln!("logs in once, within 5 minutes");
    Ok(())
}
