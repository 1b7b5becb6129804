//! Markdown as HTML.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// HTML of a text. HTML in it is shown as text; headings go down by `deeper` levels; where a link leads is up
/// to `target`, and without a target there is no link.
pub(super) fn html(text: &str, deeper: usize, target: impl Fn(&str) -> Option<String>) -> String {
    let parser = Parser::new_ext(text, Options::ENABLE_TABLES);
    let mut linked = vec![];
    let events = parser.filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::Heading {
            level,
            id,
            classes,
            attrs,
        }) => {
            let level = lower(level, deeper);
            Some(Event::Start(Tag::Heading {
                level,
                id,
                classes,
                attrs,
            }))
        }
        Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(lower(level, deeper)))),
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => {
            let target = target(&dest_url);
            linked.push(target.is_some());
            let dest_url = CowStr::from(target?);
            Some(Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }))
        }
        Event::End(TagEnd::Link) => linked.pop()?.then_some(Event::End(TagEnd::Link)),
        event => Some(event),
    });
    let mut shown = String::new();
    html::push_html(&mut shown, events);
    shown
}

fn lower(level: pulldown_cmark::HeadingLevel, deeper: usize) -> pulldown_cmark::HeadingLevel {
    let level = (level as usize + deeper).min(6);
    pulldown_cmark::HeadingLevel::try_from(level).unwrap_or(pulldown_cmark::HeadingLevel::H6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_shows_tags_as_text_and_drops_links_that_lead_nowhere() {
        let target = |link: &str| (link == "here.md").then(|| "#here".to_owned());
        assert_eq!(html("a <b>c</b>", 0, target), "<p>a &lt;b&gt;c&lt;/b&gt;</p>\n");
        assert_eq!(
            html("# [x](here.md)", 1, target),
            "<h2><a href=\"#here\">x</a></h2>\n"
        );
        assert_eq!(html("[y](there.md)", 1, target), "<p>y</p>\n");
    }
}
