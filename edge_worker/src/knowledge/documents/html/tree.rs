//! The tree of a page: html5ever reads it as the standard says, and it is kept flat here, so that no depth of a page is a depth of the stack.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use html5ever::interface::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink as _};
use html5ever::{Attribute, ExpandedName, LocalName, Namespace, ParseOpts, QualName, parse_document};

/// A node, by its place.
pub(super) type Id = usize;

/// The document itself.
pub(super) const ROOT: Id = 0;

#[derive(Debug)]
pub(super) struct Node {
    pub(super) parent: Option<Id>,
    pub(super) children: Vec<Id>,
    /// The element before it that has the same parent.
    pub(super) element_before: Option<Id>,
    pub(super) data: Data,
}

#[derive(Debug)]
pub(super) enum Data {
    /// The document, what is in a template, comments: nothing that is shown.
    Other,
    Text(StrTendril),
    Element {
        name: Rc<QualName>,
        attributes: Vec<Attribute>,
    },
}

impl Node {
    fn of(data: Data) -> Self {
        Self {
            parent: None,
            children: Vec::new(),
            element_before: None,
            data,
        }
    }

    /// The name of an element. Those of SVG and MathML have their own.
    pub(super) fn name(&self) -> &str {
        match &self.data {
            Data::Element { name, .. } => &name.local,
            Data::Other | Data::Text(_) => "",
        }
    }

    pub(super) fn attribute(&self, wanted: &str) -> Option<&str> {
        let Data::Element { attributes, .. } = &self.data else {
            return None;
        };
        let found = attributes
            .iter()
            .find(|attribute| *attribute.name.local == *wanted)?;
        Some(&found.value)
    }
}

/// All nodes of a page.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// Reads a page. There is no page that cannot be read.
    pub(super) fn of(page: &str) -> Self {
        parse_document(Builder::default(), ParseOpts::default()).one(page)
    }

    pub(super) fn node(&self, id: Id) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// The elements of this name that are in the document itself, in their order.
    pub(super) fn elements(&self, name: &str) -> impl Iterator<Item = &Node> {
        self.nodes
            .iter()
            .filter(move |node| node.name() == name && !self.is_in_template(node))
    }

    fn is_in_template(&self, node: &Node) -> bool {
        let above = std::iter::successors(Some(node), |node| self.node(node.parent?));
        above.skip(1).any(|node| node.name() == "template")
    }
}

/// What html5ever holds of a node. Its name is with it: html5ever looks at it while it changes the tree.
#[derive(Clone, Debug)]
struct Handle {
    id: Id,
    name: Rc<QualName>,
}

/// What html5ever builds with.
struct Builder {
    nodes: RefCell<Vec<Node>>,
    nameless: Rc<QualName>,
}

impl Default for Builder {
    fn default() -> Self {
        let builder = Self {
            nodes: RefCell::default(),
            nameless: Rc::new(QualName::new(None, Namespace::default(), LocalName::default())),
        };
        builder.add(Data::Other);
        builder
    }
}

impl Builder {
    fn add(&self, data: Data) -> Id {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node::of(data));
        nodes.len() - 1
    }

    fn other(&self) -> Handle {
        self.handle(self.add(Data::Other))
    }

    fn handle(&self, id: Id) -> Handle {
        Handle {
            id,
            name: self.nameless.clone(),
        }
    }

    fn change(&self, id: Id, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.borrow_mut().get_mut(id) {
            change(node);
        }
    }

    fn parent(&self, id: Id) -> Option<Id> {
        self.nodes.borrow().get(id)?.parent
    }

    fn remove(&self, id: Id) {
        let Some(parent) = self.parent(id) else {
            return;
        };
        self.change(parent, |parent| parent.children.retain(|child| *child != id));
        self.change(id, |node| node.parent = None);
    }

    /// Puts a node before another one, or a text, which joins the one before it; at the end without another one.
    fn insert(&self, parent: Id, sibling: Option<Id>, child: NodeOrText<Handle>) {
        if let NodeOrText::AppendNode(handle) = &child {
            self.remove(handle.id);
        }
        let mut nodes = self.nodes.borrow_mut();
        let children = nodes
            .get(parent)
            .map(|parent| parent.children.as_slice())
            .unwrap_or_default();
        let at = sibling.and_then(|sibling| children.iter().position(|id| *id == sibling));
        let at = at.unwrap_or(children.len());
        let before = at.checked_sub(1).and_then(|before| children.get(before)).copied();
        let id = match child {
            NodeOrText::AppendNode(handle) => handle.id,
            NodeOrText::AppendText(text) => {
                let before = before.and_then(|id| nodes.get_mut(id));
                if let Some(Data::Text(known)) = before.map(|node| &mut node.data) {
                    known.push_tendril(&text);
                    return;
                }
                nodes.push(Node::of(Data::Text(text)));
                nodes.len() - 1
            }
        };
        if let Some(parent) = nodes.get_mut(parent) {
            parent.children.insert(at, id);
        }
        if let Some(node) = nodes.get_mut(id) {
            node.parent = Some(parent);
        }
    }
}

impl TreeSink for Builder {
    type Handle = Handle;
    type Output = Tree;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Tree {
        let mut nodes = self.nodes.into_inner();
        for parent in 0..nodes.len() {
            let children = nodes
                .get(parent)
                .map(|node| node.children.clone())
                .unwrap_or_default();
            let mut before = None;
            for child in children {
                if let Some(node) = nodes.get_mut(child) {
                    node.element_before = before;
                    if matches!(node.data, Data::Element { .. }) {
                        before = Some(child);
                    }
                }
            }
        }
        Tree { nodes }
    }

    fn get_document(&self) -> Handle {
        self.handle(ROOT)
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Handle {
        let name = Rc::new(name);
        let id = self.add(Data::Element {
            name: name.clone(),
            attributes,
        });
        Handle { id, name }
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.other()
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.other()
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.insert(parent.id, None, child);
    }

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        if let Some(parent) = self.parent(sibling.id) {
            self.insert(parent, Some(sibling.id), child);
        }
    }

    fn append_based_on_parent_node(&self, element: &Handle, before: &Handle, child: NodeOrText<Handle>) {
        if self.parent(element.id).is_some() {
            self.append_before_sibling(element, child);
        } else {
            self.append(before, child);
        }
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.remove(target.id);
    }

    fn reparent_children(&self, node: &Handle, parent: &Handle) {
        let mut moved = Vec::new();
        self.change(node.id, |node| moved = std::mem::take(&mut node.children));
        for child in &moved {
            self.change(*child, |child| child.parent = Some(parent.id));
        }
        self.change(parent.id, |parent| parent.children.append(&mut moved));
    }

    fn add_attrs_if_missing(&self, target: &Handle, attributes: Vec<Attribute>) {
        self.change(target.id, |node| {
            if let Data::Element {
                attributes: known, ..
            } = &mut node.data
            {
                for attribute in attributes {
                    if known.iter().all(|other| other.name != attribute.name) {
                        known.push(attribute);
                    }
                }
            }
        });
    }

    /// The contents of a template are a document of their own, and stay below it here, where nothing shows them.
    fn get_template_contents(&self, target: &Handle) -> Handle {
        target.clone()
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        one.id == other.id
    }

    fn parse_error(&self, _: Cow<'static, str>) {}
    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}
    fn set_quirks_mode(&self, _: QuirksMode) {}
}
