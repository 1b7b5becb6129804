//! The ways in which people look at a page.

use thirtyfour::WebDriver;
use thirtyfour::cdp::domains::emulation::{MediaFeature, SetDeviceMetricsOverride, SetEmulatedMedia};

/// How wide a phone is, in CSS pixels.
pub(super) const PHONE_WIDTH: u32 = 390;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Look {
    Light,
    Dark,
    Phone,
}

impl Look {
    pub(super) const ALL: [Look; 3] = [Look::Light, Look::Dark, Look::Phone];

    pub(super) fn name(self) -> &'static str {
        match self {
            Look::Light => "light",
            Look::Dark => "dark",
            Look::Phone => "phone",
        }
    }

    /// Width and height in CSS pixels.
    pub(super) fn size(self) -> (u32, u32) {
        match self {
            Look::Phone => (PHONE_WIDTH, 844),
            Look::Light | Look::Dark => (1280, 800),
        }
    }

    /// Let the browser show this and every later page so.
    pub(super) async fn apply(self, driver: &WebDriver) {
        let (width, height) = self.size();
        let phone = self == Look::Phone;
        let metrics = SetDeviceMetricsOverride {
            width,
            height,
            device_scale_factor: if phone { 2.0 } else { 1.0 },
            mobile: phone,
            scale: None,
            screen_orientation: None,
        };
        let scheme = if self == Look::Dark { "dark" } else { "light" };
        let media = SetEmulatedMedia {
            media: None,
            features: Some(vec![
                feature("prefers-color-scheme", scheme),
                // A colour half-way to another has no contrast to measure.
                feature("prefers-reduced-motion", "reduce"),
            ]),
        };
        let cdp = driver.cdp();
        cdp.send(metrics).await.expect("Chromium takes the size");
        cdp.send(media).await.expect("Chromium takes the colour scheme");
    }
}

fn feature(name: &str, value: &str) -> MediaFeature {
    MediaFeature {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}
