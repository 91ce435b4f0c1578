//! How an element is laid out and whether it is seen: by the standard's style sheet of browsers (HTML, section 15, "Rendering"), the page's own style sheets and
//! the styles of its elements.
//!
//! Only what decides whether words are seen and where they end is read. Style sheets of other files are not there, and scripts do not run.

use simplecss::{AttributeOperator, DeclarationTokenizer, Element, PseudoClass, StyleSheet};

use super::tree::{Data, Id, Node, Tree};

/// How an element stands among the words around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Display {
    /// It is not there.
    None,
    /// Within the line.
    Inline,
    /// Within the line, as a thing of its own: a button, a picture.
    Widget,
    /// A cell in a row.
    Cell,
    /// On lines of its own.
    Block,
    /// The same, with room around it.
    Paragraph,
    /// On lines of its own, and so is each of its children.
    Flex,
}

/// What decides how an element is shown. The last ones are inherited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) display: Display,
    pub(super) is_visible: bool,
    pub(super) has_size: bool,
    /// White space and ends of lines are as they are written.
    pub(super) is_preformatted: bool,
}

impl Style {
    /// Of what is around the page.
    pub(super) const INITIAL: Self = Self {
        display: Display::Block,
        is_visible: true,
        has_size: true,
        is_preformatted: false,
    };

    /// Whether its words are seen.
    pub(super) fn is_seen(&self) -> bool {
        self.is_visible && self.has_size
    }
}

/// What is read of a style.
const PROPERTIES: [&str; 10] = [
    "display",
    "visibility",
    "content-visibility",
    "opacity",
    "font-size",
    "white-space",
    "clip",
    "clip-path",
    "float",
    "position",
];

/// The style sheets of a page.
pub(super) struct Styles<'a> {
    tree: &'a Tree,
    sheet: StyleSheet<'a>,
}

impl<'a> Styles<'a> {
    /// `css` is what counts on a screen, of all sheets one after the other.
    pub(super) fn of(tree: &'a Tree, css: &'a str) -> Self {
        let mut sheet = StyleSheet::parse(css);
        let is_read = |name: &str| PROPERTIES.iter().any(|known| known.eq_ignore_ascii_case(name));
        for rule in &mut sheet.rules {
            rule.declarations.retain(|declaration| is_read(declaration.name));
        }
        sheet.rules.retain(|rule| !rule.declarations.is_empty());
        Self { tree, sheet }
    }

    /// The style of an element in another one.
    pub(super) fn style(&self, id: Id, parent: Style) -> Style {
        let Some(node) = self.tree.node(id) else {
            return parent;
        };
        if is_never_shown(node) {
            return Style {
                display: Display::None,
                ..parent
            };
        }
        // What hides the whole page waits for its scripts.
        if matches!(node.name(), "html" | "body") {
            return Style {
                display: Display::Block,
                ..parent
            };
        }
        let declared = self.declared(id, node.attribute("style").unwrap_or_default());
        let mut style = Style {
            display: declared
                .get("display")
                .and_then(|value| display(&value, default(node)))
                .unwrap_or_else(|| default(node)),
            is_preformatted: parent.is_preformatted
                || matches!(node.name(), "pre" | "textarea" | "listing" | "xmp" | "plaintext"),
            ..parent
        };
        if let Some(visibility) = declared.get("visibility") {
            match visibility.as_str() {
                "hidden" | "collapse" => style.is_visible = false,
                "visible" | "initial" => style.is_visible = true,
                _ => {}
            }
        }
        if let Some(size) = declared.get("font-size") {
            let is_relative = size.ends_with('%')
                || size.ends_with("em") && !size.ends_with("rem")
                || matches!(size.as_str(), "inherit" | "unset" | "larger" | "smaller");
            style.has_size = !is_nothing(&size) && (parent.has_size || !is_relative);
        }
        match declared.get("white-space").as_deref() {
            Some("pre" | "pre-wrap" | "pre-line" | "break-spaces") => style.is_preformatted = true,
            Some("normal" | "nowrap" | "initial") => style.is_preformatted = false,
            _ => {}
        }
        let is_taken_out = declared
            .get("float")
            .is_some_and(|value| value == "left" || value == "right")
            || declared
                .get("position")
                .is_some_and(|value| value == "absolute" || value == "fixed");
        // What is laid out by itself, or by a flex container, is a block.
        if (is_taken_out || parent.display == Display::Flex)
            && matches!(style.display, Display::Inline | Display::Widget)
        {
            style.display = Display::Block;
        }
        let is_gone = declared.get("opacity").is_some_and(|value| is_nothing(&value))
            || declared
                .get("content-visibility")
                .is_some_and(|value| value == "hidden")
            || declared
                .get("clip")
                .is_some_and(|value| is_clipped(&value, "rect("))
            || declared
                .get("clip-path")
                .is_some_and(|value| is_clipped_path(&value));
        if is_gone {
            style.display = Display::None;
        }
        style
    }

    fn declared(&self, id: Id, inline: &str) -> Declared {
        let mut declared = Declared::default();
        let element = Matched { tree: self.tree, id };
        // Sorted by how specific they are: the last one counts.
        for rule in &self.sheet.rules {
            if rule.selector.matches(&element) {
                for one in &rule.declarations {
                    declared.set(one.name, one.value, if one.important { 2 } else { 0 });
                }
            }
        }
        for one in DeclarationTokenizer::from(inline) {
            declared.set(one.name, one.value, if one.important { 3 } else { 1 });
        }
        declared
    }
}

/// Values with the weight of who declared them.
#[derive(Default)]
struct Declared([Option<(String, u8)>; PROPERTIES.len()]);

impl Declared {
    fn set(&mut self, name: &str, value: &str, weight: u8) {
        let place = PROPERTIES
            .iter()
            .position(|known| known.eq_ignore_ascii_case(name));
        if let Some(known) = place.and_then(|place| self.0.get_mut(place))
            && known.as_ref().is_none_or(|(_, other)| *other <= weight)
        {
            *known = Some((value.trim().to_ascii_lowercase(), weight));
        }
    }

    fn get(&self, name: &str) -> Option<String> {
        let place = PROPERTIES.iter().position(|known| *known == name)?;
        self.0.get(place)?.as_ref().map(|(value, _)| value.clone())
    }
}

/// `None` for a value that says nothing, or is unknown.
fn display(value: &str, default: Display) -> Option<Display> {
    Some(match value {
        "none" => Display::None,
        "inline" | "contents" | "inline-block" | "inline flow-root" | "ruby" | "initial" | "unset" => {
            match default {
                // Pictures, fields and what is drawn as a thing stay that.
                Display::Widget => Display::Widget,
                _ => Display::Inline,
            }
        }
        "flex" | "grid" | "inline-flex" | "inline-grid" => Display::Flex,
        "table-cell" => Display::Cell,
        "block" | "flow-root" | "list-item" | "table" | "table-row" | "table-row-group"
        | "table-header-group" | "table-footer-group" | "table-caption" | "inline-table" => match default {
            Display::Paragraph => Display::Paragraph,
            _ => Display::Block,
        },
        _ => return None,
    })
}

/// Zero in any unit.
fn is_nothing(value: &str) -> bool {
    let number = value.trim_end_matches(|sign: char| sign.is_ascii_alphabetic() || sign == '%');
    number.trim().parse::<f64>().is_ok_and(|number| number == 0.0)
}

/// Cut down to a pixel or nothing, as words for screen readers alone are.
fn is_clipped(value: &str, function: &str) -> bool {
    let Some(sides) = value
        .strip_prefix(function)
        .and_then(|rest| rest.strip_suffix(')'))
    else {
        return false;
    };
    let mut sides = sides.split([',', ' ']).filter(|side| !side.is_empty());
    sides.all(|side| is_nothing(side) || side == "1px" || side == "auto") && !value.contains("auto")
}

fn is_clipped_path(value: &str) -> bool {
    [
        "inset(50%",
        "inset(100%",
        "circle(0",
        "polygon(0 0, 0 0",
        "polygon(0px 0px,0px 0px",
    ]
    .iter()
    .any(|begin| value.starts_with(begin))
}

/// What has no words for readers, whatever its style says.
fn is_never_shown(node: &Node) -> bool {
    match node.name() {
        "area" | "base" | "basefont" | "datalist" | "head" | "link" | "meta" | "noembed" | "noframes"
        | "noscript" | "param" | "rp" | "script" | "source" | "style" | "template" | "title" | "track" => {
            true
        }
        // What stands in for something that is shown; in SVG and MathML what is kept for others.
        "audio" | "video" | "canvas" | "iframe" | "meter" | "progress" | "defs" | "desc" | "metadata"
        | "symbol" | "annotation" | "annotation-xml" => true,
        "object" => node.attribute("data").is_some(),
        "input" => node
            .attribute("type")
            .is_some_and(|kind| kind.eq_ignore_ascii_case("hidden")),
        _ => false,
    }
}

/// The style sheet of browsers.
fn default(node: &Node) -> Display {
    // What is hidden until it is found, a reader finds.
    if node
        .attribute("hidden")
        .is_some_and(|value| !value.eq_ignore_ascii_case("until-found"))
    {
        return Display::None;
    }
    match node.name() {
        "dialog" if node.attribute("open").is_none() => Display::None,
        _ if node.attribute("popover").is_some() => Display::None,
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" | "menu" | "dir"
        | "blockquote" | "pre" | "figure" | "hr" | "table" | "listing" | "xmp" | "plaintext" | "fieldset"
        | "article" | "section" | "aside" | "nav" | "header" | "footer" | "main" | "details" => {
            Display::Paragraph
        }
        "html" | "body" | "address" | "center" | "dialog" | "div" | "figcaption" | "form" | "hgroup"
        | "legend" | "search" | "slot" | "summary" | "li" | "dd" | "dt" | "caption" | "colgroup" | "col"
        | "thead" | "tbody" | "tfoot" | "tr" | "optgroup" | "option" | "frameset" | "frame" | "marquee" => {
            Display::Block
        }
        "td" | "th" => Display::Cell,
        "button" | "input" | "select" | "textarea" | "img" | "embed" | "object" | "svg" | "math" => {
            Display::Widget
        }
        // Each piece of text in a drawing has its place.
        "text" => Display::Block,
        _ => Display::Inline,
    }
}

/// An element, for selectors.
struct Matched<'a> {
    tree: &'a Tree,
    id: Id,
}

impl Matched<'_> {
    fn at(&self, id: Option<Id>) -> Option<Self> {
        let id = id.filter(|id| {
            self.tree
                .node(*id)
                .is_some_and(|node| matches!(node.data, Data::Element { .. }))
        })?;
        Some(Self { tree: self.tree, id })
    }
}

impl Element for Matched<'_> {
    fn parent_element(&self) -> Option<Self> {
        self.at(self.tree.node(self.id)?.parent)
    }

    fn prev_sibling_element(&self) -> Option<Self> {
        self.at(self.tree.node(self.id)?.element_before)
    }

    fn has_local_name(&self, name: &str) -> bool {
        self.tree
            .node(self.id)
            .is_some_and(|node| node.name().eq_ignore_ascii_case(name))
    }

    fn attribute_matches(&self, name: &str, operator: AttributeOperator<'_>) -> bool {
        let value = self.tree.node(self.id).and_then(|node| node.attribute(name));
        // Classes are divided by any white space.
        value.is_some_and(|value| {
            operator.matches(value) || operator.matches(&value.replace(char::is_whitespace, " "))
        })
    }

    fn pseudo_class_matches(&self, class: PseudoClass<'_>) -> bool {
        match class {
            PseudoClass::FirstChild => self.prev_sibling_element().is_none(),
            PseudoClass::Link => {
                self.has_local_name("a") && self.attribute_matches("href", AttributeOperator::Exists)
            }
            // Nobody points at anything, and no language is known.
            PseudoClass::Visited
            | PseudoClass::Hover
            | PseudoClass::Active
            | PseudoClass::Focus
            | PseudoClass::Lang(_) => false,
        }
    }
}
