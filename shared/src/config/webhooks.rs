use crate::webhooks::Reach;
use clap::Args;

/// Where webhooks may lead.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Webhooks")]
pub struct WebhookConfig {
    /// Let webhooks lead to this machine, by http too: for tests and development. Without it, to
    /// public addresses by https only
    #[arg(
        long,
        env = "ROLLCALL_WEBHOOKS_ALLOW_LOOPBACK",
        default_value_t = false,
        action = clap::ArgAction::Set,
        num_args = 0..=1,
        default_missing_value = "true",
        value_name = "true|false"
    )]
    pub webhooks_allow_loopback: bool,
}

impl WebhookConfig {
    /// How far they reach.
    pub fn reach(&self) -> Reach {
        match self.webhooks_allow_loopback {
            true => Reach::PublicAndLoopback,
            false => Reach::Public,
        }
    }
}
