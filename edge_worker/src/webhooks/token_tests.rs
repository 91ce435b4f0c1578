use secrecy::ExposeSecret as _;

use super::*;

const OLD: &str = "0ld-0ld-0ld-0ld-0ld-0ld-0ld-0ld-0ld-0ld";
const APP: AppName = AppName::Echoroom;

fn keys(text: &str) -> CallbackKeys {
    CallbackKeys::parse(text).unwrap()
}

fn token(text: &str, conversation: u128) -> String {
    let token = keys(text).token(APP, Uuid::from_u128(conversation)).unwrap();
    token.expose_secret().to_owned()
}

#[test]
fn token_is_the_documented_one() {
    // Made with openssl, from the description above.
    let expected = "echoroom.0123456789abcdef0123456789abcdef.";
    let made = token(OLD, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    assert!(made.starts_with(expected), "{made}");
    assert_eq!(made.len(), expected.len() + MAC_CHARACTERS);
}
