//! Pages as a browser shows them: what is hidden is left out, what stands on lines of its own does so here, and all else is text.
//!
//! Left out is also what only programs read: the title of the window, texts in the place of pictures, labels for screen readers. Kept is what a reader has to open:
//! closed details, the options of a list.

mod media;
mod output;
mod style;
mod tree;

use self::output::{Break, Output};
use self::style::{Display, Style, Styles};
use self::tree::{Data, Id, Node, ROOT, Tree};

/// The text of a page.
pub(super) fn text(page: &str) -> String {
    let tree = Tree::of(page);
    let sheets = tree.elements("style").filter(|node| {
        let kind = node.attribute("type").unwrap_or("text/css");
        let media = node.attribute("media").unwrap_or_default();
        matches!(kind.to_ascii_lowercase().as_str(), "" | "text/css") && media::is_screen(media)
    });
    let css: Vec<String> = sheets
        .map(|node| media::on_screen(&written(&tree, node)))
        .collect();
    let css = css.join("\n");
    let styles = Styles::of(&tree, &css);
    let mut walk = Walk {
        tree: &tree,
        styles: &styles,
        output: Output::default(),
        lists: Vec::new(),
    };
    walk.page();
    walk.output.text()
}

/// The text below an element as it is written.
fn written(tree: &Tree, node: &Node) -> String {
    let texts = node.children.iter().filter_map(|id| match &tree.node(*id)?.data {
        Data::Text(text) => Some(&**text),
        Data::Other | Data::Element { .. } => None,
    });
    texts.collect()
}

struct Walk<'a> {
    tree: &'a Tree,
    styles: &'a Styles<'a>,
    output: Output,
    /// The next numbers of the lists around, and how they go on.
    lists: Vec<Option<(i64, i64)>>,
}

/// A page is as deep as it likes: what is still to do is a list, not the stack.
enum Step {
    Enter(Id, Style),
    Leave(Id, Style),
}

impl Walk<'_> {
    fn page(&mut self) {
        let mut steps = vec![Step::Enter(ROOT, Style::INITIAL)];
        while let Some(step) = steps.pop() {
            match step {
                Step::Enter(id, around) => self.enter(id, around, &mut steps),
                Step::Leave(id, style) => self.leave(id, style),
            }
        }
    }

    fn enter(&mut self, id: Id, around: Style, steps: &mut Vec<Step>) {
        let Some(node) = self.tree.node(id) else {
            return;
        };
        let style = match &node.data {
            Data::Text(text) => {
                if around.display == Display::Flex {
                    self.output.break_at_least(Break::Space);
                }
                if around.is_seen() {
                    self.output.push(text, around.is_preformatted);
                }
                return;
            }
            Data::Other if id != ROOT => return,
            Data::Other => around,
            Data::Element { .. } => self.styles.style(id, around),
        };
        if style.display == Display::None {
            return;
        }
        self.output.break_at_least(border(style.display));
        match node.name() {
            "br" | "hr" => self.output.end_line(),
            "ol" => self.lists.push(Some(numbers(self.tree, node))),
            "ul" | "menu" | "dir" => self.lists.push(None),
            "li" if style.is_seen() => self.number(node),
            "q" if style.is_seen() => self.output.push("\u{201c}", false),
            "rt" => self.output.begin_aside(),
            "input" | "optgroup" | "option" if style.is_seen() => {
                let shown = field(node).unwrap_or_default();
                self.output.push(shown, false);
            }
            _ => {}
        }
        steps.push(Step::Leave(id, style));
        // An option shows its label in the place of what it holds.
        if node.name() == "option" && field(node).is_some() {
            return;
        }
        steps.extend(node.children.iter().rev().map(|child| Step::Enter(*child, style)));
    }

    fn leave(&mut self, id: Id, style: Style) {
        let Some(node) = self.tree.node(id) else {
            return;
        };
        match node.name() {
            "ol" | "ul" | "menu" | "dir" => {
                self.lists.pop();
            }
            "q" if style.is_seen() => self.output.push("\u{201d}", false),
            "rt" => self.output.end_aside(),
            "ruby" => self.output.push_asides(),
            _ => {}
        }
        self.output.break_at_least(border(style.display));
    }

    /// Readers see the numbers of a list, and speak of step 3.
    fn number(&mut self, item: &Node) {
        let Some(Some((next, by))) = self.lists.last_mut() else {
            return;
        };
        let number = item
            .attribute("value")
            .and_then(|value| value.trim().parse().ok())
            .unwrap_or(*next);
        *next = number.saturating_add(*by);
        self.output.push(&format!("{number}. "), false);
    }
}

/// What is between an element and what is beside it.
fn border(display: Display) -> Break {
    match display {
        Display::None | Display::Inline => Break::Nothing,
        Display::Widget => Break::Space,
        Display::Cell => Break::Cell,
        Display::Block | Display::Flex => Break::Line,
        Display::Paragraph => Break::Paragraph,
    }
}

fn numbers(tree: &Tree, list: &Node) -> (i64, i64) {
    let start = list
        .attribute("start")
        .and_then(|start| start.trim().parse().ok());
    if list.attribute("reversed").is_none() {
        return (start.unwrap_or(1), 1);
    }
    let items = list
        .children
        .iter()
        .filter(|id| tree.node(**id).is_some_and(|node| node.name() == "li"));
    (
        start.unwrap_or_else(|| i64::try_from(items.count()).unwrap_or(i64::MAX)),
        -1,
    )
}

/// What a field shows that is no text in it.
fn field(node: &Node) -> Option<&str> {
    if node.name() != "input" {
        return node.attribute("label");
    }
    let kind = node.attribute("type").unwrap_or("text").to_ascii_lowercase();
    let value = node.attribute("value").filter(|value| !value.is_empty());
    match kind.as_str() {
        "button" | "submit" | "reset" => value,
        "checkbox" | "radio" | "file" | "image" | "color" | "range" | "hidden" => None,
        "password" => node.attribute("placeholder"),
        _ => value.or_else(|| node.attribute("placeholder")),
    }
}

#[cfg(test)]
mod tests;
