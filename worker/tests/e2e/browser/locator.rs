//! Finding things by what people read on them.

use thirtyfour::By;

/// Something on a page, by its XPath.
#[derive(Clone, Debug)]
pub(super) struct Locator(String);

impl Locator {
    pub(super) fn by(&self) -> By {
        By::XPath(self.0.as_str())
    }

    /// The same within the smallest row, list item or card that says `text`.
    pub(super) fn beside(self, text: &str) -> Locator {
        let within = "*[self::tr or self::li or self::article or self::section or self::form]";
        Locator(format!(
            "//{within}[contains(normalize-space(.), {0})][not(.//{within}[contains(normalize-space(.), {0})])]{1}",
            quoted(text),
            self.0
        ))
    }
}

/// A link with exactly this text.
pub(super) fn link(text: &str) -> Locator {
    Locator(format!("//a[normalize-space(.)={}]", quoted(text)))
}

/// A button with exactly this text.
pub(super) fn button(text: &str) -> Locator {
    Locator(format!("//button[normalize-space(.)={}]", quoted(text)))
}

/// The control whose label begins with this.
pub(super) fn field(label: &str) -> Locator {
    let label = format!("//label[starts-with(normalize-space(.), {})]", quoted(label));
    let controls = "*[self::input or self::select or self::textarea]";
    Locator(format!("({label}//{controls} | //{controls}[@id={label}/@for])"))
}

/// What assistive technology knows by this name alone.
pub(super) fn named(label: &str) -> Locator {
    Locator(format!("//*[@aria-label={}]", quoted(label)))
}

/// What is told under this heading of a list of figures.
pub(super) fn figure(heading: &str) -> Locator {
    let heading = quoted(heading);
    Locator(format!(
        "//dt[normalize-space(.)={heading}]/following-sibling::dd[1]"
    ))
}

/// Whatever has this text in it, with nothing smaller around it.
pub(super) fn text(text: &str) -> Locator {
    Locator(format!(
        "//*[ancestor::body][contains(normalize-space(.), {0})][not(*[contains(normalize-space(.), {0})])]",
        quoted(text)
    ))
}

fn quoted(text: &str) -> String {
    assert!(!text.contains('"'), "XPath has no way to quote {text}");
    format!("\"{text}\"")
}
