//! Documents as text. Files come from strangers, so they are read in a process of their own, with limits: one that hangs is killed, one that
//! eats memory or the stack takes nobody with it.

mod charset;
mod format;
mod html;
mod pdf;
mod reader;
mod script;
mod text;

pub use format::Format;
pub use reader::{Reader, answer};
pub use text::{DocumentError, of as text_of};
