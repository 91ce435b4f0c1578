//! A stand-in for ElevenLabs: speech to text, and `/_control` to make it misbehave.
//!
//! What is heard follows from the bytes of the file and from nothing else. A file whose first line is `SPEECH:` says itself what is
//! spoken in it, one sentence a line.

mod listen;
mod refusal;
mod server;
mod source;
mod transcribe;
mod transcript;

pub use server::ElevenLabsSimulator;
