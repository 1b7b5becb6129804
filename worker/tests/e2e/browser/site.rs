//! A deployment with a tenant, and somebody in front of it.

use super::chromium::Chromium;
use super::window::Window;
use crate::harness::{Options, Stack, Tenant};

pub(super) struct Site {
    // Before the deployment: a page that loses it says so on its console.
    pub(super) window: Window,
    pub(super) tenant: Tenant,
    pub(super) stack: Stack,
}

impl Site {
    /// Nobody is logged in yet.
    pub(super) async fn start(tenant: &str, options: Options) -> Site {
        let (stack, chromium) = tokio::join!(Stack::start(options), Chromium::start());
        let tenant = stack.tenant(tenant).await;
        let window = Window::onto(stack.apis[0].url(), chromium).await;
        Site {
            window,
            tenant,
            stack,
        }
    }

    /// Somebody is logged in as an operator and looks at the overview.
    pub(super) async fn entered(tenant: &str, options: Options) -> Site {
        let site = Site::start(tenant, options).await;
        site.window.log_in(&site.operator_token()).await;
        site
    }

    pub(super) fn operator_token(&self) -> String {
        self.tenant.ops.credentials().1
    }
}
