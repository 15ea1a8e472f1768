//! Markdown of staff, as blocks of plain words: pages and letters write the markup themselves, so that nothing
//! which somebody typed ever becomes markup. Raw HTML and pictures are dropped, links lead to the web, to mail
//! and to phones only.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use serde::{Deserialize, Serialize};

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// `heading`, `paragraph` or `list`.
    pub kind: BlockKind,
    /// Whether the points of a list are numbered.
    pub ordered: bool,
    /// The lines: one of a heading and a paragraph, each point of a list.
    pub lines: Vec<Vec<Run>>,
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BlockKind {
    /// A heading inside the message.
    Heading,
    /// A paragraph.
    Paragraph,
    /// A list.
    List,
}

/// Words of one look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The words; a line break is a run of `\n`.
    pub text: String,
    /// Said louder.
    pub strong: bool,
    /// Said otherwise.
    pub emphasis: bool,
    /// Where it leads to; none where it does not.
    pub href: Option<String>,
}

/// The blocks of a Markdown text.
#[must_use]
pub fn blocks(markdown: &str) -> Vec<Block> {
    let mut writer = Writer::default();
    Parser::new(markdown).for_each(|event| writer.take(event));
    writer.finish_line();
    writer.blocks.into_iter().filter(|block| !block.lines.is_empty()).collect()
}

/// The blocks as plain text: for SMS, chats and the plain part of letters. A link's address stands behind its words.
#[must_use]
pub fn plain(blocks: &[Block]) -> String {
    let mut text = String::new();
    for block in blocks {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        for (index, line) in block.lines.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            match (block.kind, block.ordered) {
                (BlockKind::List, true) => text.push_str(&format!("{}. ", index + 1)),
                (BlockKind::List, false) => text.push_str("– "),
                _ => {}
            }
            line.iter().for_each(|run| text.push_str(&plain_run(run)));
        }
    }
    text
}

fn plain_run(run: &Run) -> String {
    let bare = |href: &str| href.trim_start_matches("mailto:").trim_start_matches("tel:").to_owned();
    match run.href.as_deref().map(bare) {
        Some(address) if address != run.text => format!("{} ({address})", run.text),
        _ => run.text.clone(),
    }
}

/// Whether a link may lead there.
fn is_allowed(href: &str) -> bool {
    let lower = href.to_ascii_lowercase();
    let known = ["https://", "http://", "mailto:", "tel:"].iter().any(|scheme| lower.starts_with(scheme));
    known && !href.chars().any(|c| c.is_control() || c.is_whitespace())
}

#[derive(Default)]
struct Writer {
    blocks: Vec<Block>,
    line: Vec<Run>,
    strong: usize,
    emphasis: usize,
    links: Vec<Option<String>>,
    lists: Vec<bool>,
    hidden: usize,
    heading: bool,
}

impl Writer {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) => self.write(&text),
            Event::SoftBreak => self.write(" "),
            Event::HardBreak => self.write("\n"),
            // HTML is not shown; footnotes, formulas and boxes are not switched on.
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong => self.strong += 1,
            Tag::Emphasis => self.emphasis += 1,
            Tag::Link { dest_url, .. } => {
                self.links.push(Some(dest_url.into_string()).filter(|href| is_allowed(href)));
            }
            Tag::Image { .. } | Tag::HtmlBlock => self.hidden += 1,
            Tag::Heading { .. } => {
                self.finish_line();
                self.heading = true;
            }
            Tag::List(first) => {
                self.finish_line();
                self.lists.push(first.is_some());
                self.blocks.push(Block { kind: BlockKind::List, ordered: first.is_some(), lines: Vec::new() });
            }
            Tag::Item | Tag::Paragraph | Tag::BlockQuote(_) | Tag::CodeBlock(_) => self.finish_line(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.strong = self.strong.saturating_sub(1),
            TagEnd::Emphasis => self.emphasis = self.emphasis.saturating_sub(1),
            TagEnd::Link => drop(self.links.pop()),
            TagEnd::Image | TagEnd::HtmlBlock => self.hidden = self.hidden.saturating_sub(1),
            TagEnd::List(_) => {
                self.finish_line();
                self.lists.pop();
            }
            TagEnd::Paragraph | TagEnd::Item | TagEnd::BlockQuote(_) | TagEnd::CodeBlock => self.finish_line(),
            TagEnd::Heading(_) => {
                self.finish_line();
                self.heading = false;
            }
            _ => {}
        }
    }

    fn write(&mut self, text: &str) {
        if self.hidden > 0 || text.is_empty() {
            return;
        }
        let text: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
        let href = self.links.last().cloned().flatten();
        let run = Run { text, strong: self.strong > 0, emphasis: self.emphasis > 0, href };
        match self.line.last_mut() {
            Some(last) if (last.strong, last.emphasis, &last.href) == (run.strong, run.emphasis, &run.href) => {
                last.text.push_str(&run.text);
            }
            _ => self.line.push(run),
        }
    }

    /// What was written becomes a block, or a point of the list that it stands in.
    fn finish_line(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        if let Some(last) = line.last_mut() {
            last.text.truncate(last.text.trim_end().len());
        }
        line.retain(|run| !run.text.is_empty());
        if line.is_empty() {
            return;
        }
        if let Some(ordered) = self.lists.last().copied() {
            match self.blocks.last_mut().filter(|block| block.kind == BlockKind::List) {
                Some(list) => list.lines.push(line),
                None => self.blocks.push(Block { kind: BlockKind::List, ordered, lines: vec![line] }),
            }
            return;
        }
        let kind = if self.heading { BlockKind::Heading } else { BlockKind::Paragraph };
        self.blocks.push(Block { kind, ordered: false, lines: vec![line] });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(markdown: &str) -> Vec<String> {
        let runs = blocks(markdown).into_iter().flat_map(|block| block.lines).flatten();
        runs.filter_map(|run| run.href).collect()
    }

    #[test]
    fn what_staff_write_becomes_blocks() {
        let text = "# Отключение\n\nВоды **не будет** в *среду*.\nЗапаситесь.\n\n- дом 7\n- дом 9\n\n1. раз\n2. два";
        let found = blocks(text);
        let kinds: Vec<BlockKind> = found.iter().map(|block| block.kind).collect();
        assert_eq!(kinds, [BlockKind::Heading, BlockKind::Paragraph, BlockKind::List, BlockKind::List]);
        let paragraph = &found[1].lines[0];
        assert_eq!(
            paragraph.iter().map(|run| run.text.as_str()).collect::<String>(),
            "Воды не будет в среду. Запаситесь."
        );
        assert!(paragraph[1].strong && !paragraph[1].emphasis && paragraph[3].emphasis);
        assert_eq!((found[2].lines.len(), found[2].ordered, found[3].ordered), (2, false, true));
        assert_eq!(
            plain(&found),
            "Отключение\n\nВоды не будет в среду. Запаситесь.\n\n– дом 7\n– дом 9\n\n1. раз\n2. два"
        );
    }

    #[test]
    fn links_lead_to_the_web_to_mail_and_to_phones_only() {
        let good = "[a](https://a.example/?x=1) <http://b.example> [c](mailto:c@d.example) [d](tel:+73512001010)";
        assert_eq!(
            links(good),
            ["https://a.example/?x=1", "http://b.example", "mailto:c@d.example", "tel:+73512001010"]
        );
        for bad in [
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](data:text/html,x)",
            "[x](/accounts)",
            "[x](//evil.example)",
            "[x](vbscript:x)",
            "[x](file:///etc/passwd)",
            "[x](<java\nscript:alert(1)>)",
        ] {
            assert_eq!(links(bad), Vec::<String>::new(), "{bad}");
            assert!(plain(&blocks(bad)).contains('x'), "the words stay: {bad}");
        }
        assert_eq!(
            plain(&blocks("[Портал](https://a.example) и <https://a.example>")),
            "Портал (https://a.example) и https://a.example"
        );
    }

    #[test]
    fn html_and_pictures_are_dropped() {
        for (markdown, left) in [
            ("До <script>alert(1)</script> после", "До alert(1) после"),
            ("<div onclick=x>блок</div>", ""),
            ("<script>\nalert(1)\n</script>\n\nпосле", "после"),
            ("![картинка](https://a.example/x.png) текст", "текст"),
            ("1 &lt; 2 & 3", "1 < 2 & 3"),
        ] {
            assert_eq!(plain(&blocks(markdown)).trim(), left, "{markdown}");
        }
    }

    #[test]
    fn a_list_in_a_list_and_a_paragraph_in_a_point_lose_nothing() {
        let text = plain(&blocks("- раз\n\n  ещё\n  - внутри\n- два\n\nпосле"));
        for word in ["раз", "ещё", "внутри", "два", "после"] {
            assert!(text.contains(word), "{text}");
        }
        assert!(blocks("").is_empty() && blocks("<!-- x -->").is_empty());
    }
}
