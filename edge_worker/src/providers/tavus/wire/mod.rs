//! What goes over the wire, in both generations of names: `persona_id` and `pal_id`, `replica_id` and `face_id`.

mod conversation;
mod page;
mod persona;
mod replica;

pub use conversation::{Conversation, ConversationProperties, ConversationStatus, NewConversation};
pub use page::{Listed, PageQuery};
pub use persona::{NewPersona, Persona};
pub use replica::Replica;
